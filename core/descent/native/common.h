/* What both kernels are written with, whatever the instruction set. */
#ifndef COMMON_H
#define COMMON_H

#include <stddef.h>
#include <stdint.h>

#define EXPORT __attribute__((visibility("default")))
#define INLINE static inline __attribute__((always_inline))

enum { WIDEST = 8 }; /* doubles of the widest vector: rows of all arrays are padded to a multiple of it */
enum { ROWS = 4 };   /* rows that are passed together */
enum { SQUARED, DEEP, UV }; /* StepKind of core/networks/network.py */

#endif
