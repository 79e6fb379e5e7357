/* The normal noise of many runs, as NumPy's generators draw it (core/descent/optimizers.py), bit for bit.
 *
 * Normal numbers are drawn by the ziggurat of Marsaglia and Tsang 2000 with 256 layers: one draw for most of them, its
 * lowest byte the layer, the next bit the sign, 52 more the place within the layer. Logarithms and exponentials are those of
 * the mathematical library that NumPy calls. What is not fused here is not fused there, so all instruction sets give the same.
 */
#include <math.h>

#include "philox.h"
#include "ziggurat.h"

typedef struct {
    int64_t entries;          /* numbers of a step of a run */
    int64_t lanes, steps, start; /* whole blocks */
    int64_t block;            /* steps that are drawn in one go */
    int64_t step_stride, lane_stride; /* of `noise` */
    const int64_t *place;     /* (entries): where in the rows of a lane each number is */
    const int64_t *first, *end; /* (lane): the first step with noise, and the first after it without */
    const double *scale;      /* (lane): standard deviations */
    const uint64_t *key;      /* (lane, 2) */
    double *noise;            /* (step, …), written at `place` of each lane */
} normals;

static const double BEGIN_OF_TAIL = 3.6541528853610087963519472518, ITS_INVERSE = 0.27366123732975827203338247596;

INLINE double uniform(generator *g) { return (double)(draw(g) >> UNUSED) * (1.0 / 9007199254740992.0); }

/* Beyond the widest layer: exponential, and taken if it is below the normal density (Marsaglia 1964). */
static double tail(generator *g, uint64_t place)
{
    for (;;) {
        const double beyond = -ITS_INVERSE * log1p(-uniform(g)), height_there = -log1p(-uniform(g));
        if (height_there + height_there > beyond * beyond)
            return place >> 8 & 1 ? -(BEGIN_OF_TAIL + beyond) : BEGIN_OF_TAIL + beyond;
    }
}

/* Whether a number at the edge of a layer is below the density. */
static int is_below(generator *g, int64_t layer, double x)
{
    return (height[layer - 1] - height[layer]) * uniform(g) + height[layer] < exp(-0.5 * x * x);
}

/* What most draws are: the place in a layer with its sign, by the bit and not by a branch that is wrong half of the time. */
INLINE uint64_t within(uint64_t drawn) { return drawn >> 9 & 0xfffffffffffff; }

INLINE double in_layer(uint64_t drawn)
{
    union { double x; uint64_t bits; } number = {.x = (double)(int64_t)within(drawn) * width[drawn & 0xff]};
    number.bits ^= (drawn >> 8 & 1) << 63;
    return number.x;
}

static double normal(generator *g)
{
    for (;;) {
        const uint64_t drawn = draw(g);
        const int64_t layer = drawn & 0xff;
        const double x = in_layer(drawn);
        if (within(drawn) < inside[layer]) return x;
        if (layer == 0) return tail(g, within(drawn));
        if (is_below(g, layer, x)) return x;
    }
}

/* The numbers of a step: four at once where four draws are as many numbers, as nearly always. */
static void draw_row(generator *g, const int64_t *place, int64_t entries, double scale, double *noise)
{
    int64_t i = 0;
    while (i < entries) {
        while (i < entries && (g->at < 4 || i + 4 > entries)) noise[place[i++]] = scale * normal(g);
        if (i + 4 > entries) continue;
        draw_four(g, g->buffer);
        const uint64_t *const drawn = g->buffer;
        g->at = 0;
        int good = 1;
        for (int k = 0; k < 4; k++) good &= within(drawn[k]) < inside[drawn[k] & 0xff];
        if (!good) continue; /* one by one, of the same four draws */
        for (int k = 0; k < 4; k++) noise[place[i + k]] = scale * in_layer(drawn[k]);
        i += 4;
        g->at = 4;
    }
}

/* What a caller must agree on. */
EXPORT int64_t stepbias_normals_layout(void) { return sizeof(normals); }

/* The noise of the steps of all lanes. */
EXPORT void stepbias_draw_normals(const normals *n)
{
    for (int64_t lane = 0; lane < n->lanes; lane++) {
        generator g = {.at = 4};
        for (int64_t t = 0; t < n->steps; t++) {
            const int64_t step = n->start + t;
            const double scale = n->first[lane] <= step && step < n->end[lane] ? n->scale[lane] : 0;
            double *const noise = n->noise + t * n->step_stride + lane * n->lane_stride;
            if (t % n->block == 0) g = generator_of(n->key + 2 * lane, (uint64_t)(step / n->block));
            draw_row(&g, n->place, n->entries, scale, noise);
        }
    }
}
