// What a process asks of the system that Swift cannot say: functions of variable arguments.
#ifndef STARLING_SK_PROCESS_H
#define STARLING_SK_PROCESS_H

#ifdef __cplusplus
extern "C" {
#endif

// Has the system send this process `signal` when the thread that started it ends. 0, or -1 where that cannot be had.
int sk_end_with_parent(int signal);

#ifdef __cplusplus
}
#endif

#endif
