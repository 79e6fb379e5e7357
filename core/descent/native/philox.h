/* The generator of all that is drawn here, bit for bit that of NumPy.
 *
 * A draw is 64 bits of Philox4x64-10 (Salmon, Moraes, Dror and Shaw 2011), whose counter is the place in a sequence and the
 * number of four draws there. A uniform number is the upper 53 of them.
 */
#ifndef PHILOX_H
#define PHILOX_H

#include "common.h"

enum { ROUNDS = 10, DIGITS = 53, UNUSED = 64 - DIGITS };

typedef struct {
    uint64_t key[ROUNDS][2], place, next, buffer[4];
    int at;              /* in the buffer; 4: it is used up */
    int has_half;        /* of a draw whose lower half was taken */
    uint32_t half;
} generator;

INLINE generator generator_of(const uint64_t *key, uint64_t place)
{
    generator g = {.place = place, .at = 4};
    for (int round = 0; round < ROUNDS; round++) {
        g.key[round][0] = key[0] + (uint64_t)round * 0x9E3779B97F4A7C15u;
        g.key[round][1] = key[1] + (uint64_t)round * 0xBB67AE8584CAA73Bu;
    }
    return g;
}

/* Four draws. NumPy counts before it draws. */
INLINE void draw_four(generator *g, uint64_t *out)
{
    uint64_t a = ++g->next, b = 0, c = 0, d = g->place;
#pragma GCC unroll 10
    for (int round = 0; round < ROUNDS; round++) {
        const unsigned __int128 first = (unsigned __int128)0xD2E7470EE14C6C93u * a,
                                second = (unsigned __int128)0xCA5A826395121157u * c;
        a = (uint64_t)(second >> 64) ^ b ^ g->key[round][0];
        b = (uint64_t)second;
        c = (uint64_t)(first >> 64) ^ d ^ g->key[round][1];
        d = (uint64_t)first;
    }
    out[0] = a;
    out[1] = b;
    out[2] = c;
    out[3] = d;
}

INLINE uint64_t draw(generator *g)
{
    if (g->at == 4) {
        draw_four(g, g->buffer);
        g->at = 0;
    }
    return g->buffer[g->at++];
}

#endif
