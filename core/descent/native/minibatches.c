/* The minibatches of many runs, as NumPy's generators draw them (core/descent/sampling.py), bit for bit.
 *
 * Nothing here is floating-point arithmetic but
 * the weights, so all instruction sets give the same.
 */
#include <string.h>

#include "philox.h"

enum { OTHERS, ALL, WITHOUT_REPLACEMENT, WITH_REPLACEMENT, EPOCHS }; /* what a lane draws, by core/descent/native/minibatches.py */
typedef struct {
    int64_t samples, rows, lanes;
    int64_t start, steps;     /* whole blocks */
    int64_t block;            /* steps that are drawn in one go where each is drawn anew */
    int64_t together;         /* steps, at most, of short epochs that are drawn in one go */
    int64_t backwards;        /* whether samples are from the last to the first */
    const int64_t *kind, *size; /* (lane): what is drawn, and how many samples a minibatch has */
    const uint64_t *key;      /* (lane, 2) */
    double *weight;           /* (step, lane, rows): written, but of lanes that are OTHERS */
    int64_t *tied;            /* (lane), written: whether which samples are the least is not told by their numbers */
    uint64_t *drawn;          /* samples, of one step */
    int64_t *order;           /* samples */
    uint32_t *count;          /* buckets: the least power of two that is not below samples */
    int64_t digits;           /* its logarithm */
} minibatches;

/* The next uniform numbers, one for each sample, counted in `count` buckets of equal width. Counted as they are drawn,
 * they need not be read again; that the products of the next draws hide the counting was not found in measurement. */
INLINE void note(const minibatches *m, int64_t sample, uint64_t drawn, int64_t shift)
{
    m->drawn[sample] = drawn >> UNUSED;
    m->count[drawn >> shift]++;
}

static void draw_uniform(const minibatches *m, generator *g)
{
    const int64_t shift = UNUSED + DIGITS - m->digits;
    int64_t i = 0;
    uint64_t four[4];
    memset(m->count, 0, sizeof *m->count << m->digits);
    while (i < m->samples && g->at < 4) note(m, i++, g->buffer[g->at++], shift);
    for (; i + 4 <= m->samples; i += 4) {
        draw_four(g, four);
        for (int k = 0; k < 4; k++) note(m, i + k, four[k], shift);
    }
    while (i < m->samples) note(m, i++, draw(g), shift);
}

/* Half a draw: the lower one first. */
INLINE uint32_t draw_half(generator *g)
{
    if (g->has_half) {
        g->has_half = 0;
        return g->half;
    }
    const uint64_t whole = draw(g);
    g->has_half = 1;
    g->half = (uint32_t)(whole >> 32);
    return (uint32_t)whole;
}

/* Any of 0, …, bound − 1 (Lemire 2019), as `Generator.integers` draws it; of one number nothing is drawn. */
INLINE uint32_t draw_below(generator *g, uint32_t bound)
{
    if (bound == 1) return 0;
    uint64_t product = (uint64_t)draw_half(g) * bound;
    if ((uint32_t)product < bound) {
        const uint32_t threshold = (uint32_t)-bound % bound;
        while ((uint32_t)product < threshold) product = (uint64_t)draw_half(g) * bound;
    }
    return (uint32_t)(product >> 32);
}

/* Any of 0, …, last by the least mask that it fits, as `Generator.permuted` draws it. */
INLINE uint32_t draw_masked(generator *g, uint32_t last)
{
    const uint32_t mask = UINT32_MAX >> __builtin_clz(last);
    uint32_t value;
    do value = draw_half(g) & mask;
    while (value > last);
    return value;
}

INLINE int64_t row_of(const minibatches *m, int64_t sample) { return m->backwards ? m->samples - 1 - sample : sample; }

/* The `wanted` first of the candidates, by their numbers; returns whether the next has the number of the last of them. */
static int sort_first(const uint64_t *drawn, int64_t *candidate, int64_t count, int64_t wanted)
{
    for (int64_t place = 0; place < wanted; place++)
        for (int64_t other = place + 1; other < count; other++)
            if (drawn[candidate[other]] < drawn[candidate[place]]) {
                const int64_t held = candidate[place];
                candidate[place] = candidate[other];
                candidate[other] = held;
            }
    for (int64_t other = wanted; other < count; other++)
        if (drawn[candidate[other]] == drawn[candidate[wanted - 1]]) return 1;
    return 0;
}

/* The samples with the `size` least of the uniform numbers drawn; returns whether they are not told by these. The bucket
 * where the last of them lies has about one number. */
static int choose_least(const minibatches *m, int64_t size, double *weight)
{
    const uint64_t *const drawn = m->drawn;
    int64_t *const near = m->order, chosen = 0, bucket = 0, below = 0, candidates = 0;
    const double scale = (double)m->samples / (double)size;
    const int64_t shift = DIGITS - m->digits;
    while (below + m->count[bucket] < size) below += m->count[bucket++];
    const uint64_t from = (uint64_t)bucket << shift, to = (uint64_t)(bucket + 1) << shift;
    for (int64_t i = 0; i < m->samples; i++) {
        near[chosen] = i;
        chosen += drawn[i] < to;
    }
    for (int64_t k = 0; k < chosen; k++) {
        const int64_t sample = near[k];
        if (drawn[sample] < from) weight[row_of(m, sample)] = scale;
        else near[candidates++] = sample;
    }
    const int tied = sort_first(drawn, near, candidates, size - below);
    for (int64_t k = 0; k < size - below; k++) weight[row_of(m, near[k])] = scale;
    return tied;
}

/* A step whose samples are drawn anew; returns whether they are not told by what is drawn. */
static int draw_anew(const minibatches *m, int64_t lane, generator *g, double *weight)
{
    const int64_t size = m->size[lane];
    if (m->kind[lane] == WITHOUT_REPLACEMENT) {
        draw_uniform(m, g);
        return choose_least(m, size, weight);
    }
    const double scale = (double)m->samples / (double)size;
    for (int64_t k = 0; k < size; k++) weight[row_of(m, draw_below(g, (uint32_t)m->samples))] += 1;
    for (int64_t i = 0; i < m->samples; i++) weight[i] *= scale;
    return 0;
}

/* The steps of an epoch, in an order that is drawn. */
static void draw_epoch(const minibatches *m, int64_t lane, generator *g, int64_t first_step)
{
    const int64_t size = m->size[lane], in_epoch = m->samples / size;
    const double scale = (double)m->samples / (double)size;
    int64_t *const order = m->order;
    for (int64_t i = 0; i < m->samples; i++) order[i] = i;
    for (int64_t i = m->samples - 1; i > 0; i--) {
        const int64_t other = draw_masked(g, (uint32_t)i), held = order[i];
        order[i] = order[other];
        order[other] = held;
    }
    for (int64_t k = 0; k < in_epoch; k++) {
        const int64_t t = first_step + k - m->start;
        double *const weight = m->weight + (t * m->lanes + lane) * m->rows;
        if (t < 0 || t >= m->steps) continue;
        for (int64_t i = 0; i < size; i++) weight[row_of(m, order[k * size + i])] = scale;
    }
}

static void draw_epochs(const minibatches *m, int64_t lane)
{
    const int64_t in_epoch = m->samples / m->size[lane], stop = m->start + m->steps;
    const int64_t together = m->together / in_epoch > 1 ? m->together / in_epoch : 1;
    for (int64_t group = m->start / in_epoch / together; group * together * in_epoch < stop; group++) {
        generator g = generator_of(m->key + 2 * lane, (uint64_t)group);
        for (int64_t epoch = group * together; epoch < (group + 1) * together && epoch * in_epoch < stop; epoch++)
            draw_epoch(m, lane, &g, epoch * in_epoch);
    }
}

/* What a caller must agree on. */
EXPORT int64_t stepbias_minibatches_layout(void) { return sizeof(minibatches); }

/* The weights of the steps of all lanes. */
EXPORT void stepbias_draw_minibatches(const minibatches *m)
{
    for (int64_t lane = 0; lane < m->lanes; lane++) {
        const int64_t kind = m->kind[lane];
        generator g = {.at = 4};
        m->tied[lane] = 0;
        if (kind == OTHERS) continue;
        for (int64_t t = 0; t < m->steps; t++) {
            double *const weight = m->weight + (t * m->lanes + lane) * m->rows;
            memset(weight, 0, sizeof *weight * (size_t)m->rows);
            if (kind == ALL)
                for (int64_t i = 0; i < m->samples; i++) weight[i] = 1;
            if (kind != WITHOUT_REPLACEMENT && kind != WITH_REPLACEMENT) continue;
            if (t % m->block == 0) g = generator_of(m->key + 2 * lane, (uint64_t)((m->start + t) / m->block));
            m->tied[lane] |= draw_anew(m, lane, &g, weight);
        }
        if (kind == EPOCHS) draw_epochs(m, lane);
    }
}

/* One step of numbers that are not drawn but given, as draws, for what chance does not show. */
EXPORT int64_t stepbias_choose_least(const minibatches *m)
{
    const int64_t shift = UNUSED + DIGITS - m->digits;
    memset(m->count, 0, sizeof *m->count << m->digits);
    for (int64_t i = 0; i < m->samples; i++) note(m, i, m->drawn[i], shift);
    return choose_least(m, *m->size, m->weight);
}
