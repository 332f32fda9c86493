#include "CKernels.h"

#ifdef __linux__
#include <sys/prctl.h>

int sk_end_with_parent(int signal) { return prctl(PR_SET_PDEATHSIG, signal); }
#else
int sk_end_with_parent(int signal) {
    (void)signal;
    return -1;
}
#endif
