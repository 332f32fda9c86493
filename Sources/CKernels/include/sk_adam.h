#ifndef STARLING_SK_ADAM_H
#define STARLING_SK_ADAM_H

#include <stddef.h>
#include <stdint.h>

#endif
