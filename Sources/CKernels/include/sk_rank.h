#ifndef STARLING_SK_RANK_H
#define STARLING_SK_RANK_H

#include <stddef.h>
#include <stdint.h>

#endif
