#ifndef STARLING_SK_SGD_H
#define STARLING_SK_SGD_H

#include <stddef.h>
#include <stdint.h>

#endif
