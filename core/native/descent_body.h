/* The step for one instruction set: included by descent.c with ISA, V (doubles of a vector), TARGET, FMA, SPLAT and the
 * shape of a block, MOST_LANES × MOST_VECTORS, which is what keeps all accumulators in registers. */

#define vec NAME(vec)
typedef double vec __attribute__((vector_size(V * 8), aligned(8), may_alias));

#define LOAD(p) (*(const vec *)(p))
#define STORE(p, v) (*(vec *)(p) = (v))

#ifndef BLOCKING
#define BLOCKING
enum {
    DEEPEST = 256,           /* k of a block: its vectors of X and the entries of its lanes stay in the first-level cache */
    BLOCK_BYTES = 1 << 17,   /* of X that all lanes pass before the next block: it stays in the second-level cache */
    RESIDENT_BYTES = 1 << 18 /* up to this X stays there as a whole, and few lanes at a time take many steps */
};
#endif

/* A product: out[lane][row] = start[row] + Σ_k A[row][k]·b[lane][k], k ascending; `start` may be NULL, for zeros. */
typedef struct {
    const double *a; /* packed */
    int64_t depth, vectors;
    const double *b;
    int64_t b_stride;
    const double *start;
    double *out;
    int64_t out_stride;
} NAME(factors);

/* k from `from` to `to` of a block of `lanes` × `vectors`; both are constants where this is inlined. */
TARGET INLINE void NAME(block)(const int lanes, const int vectors, const NAME(factors) * f, int64_t lane, int64_t at,
                               int64_t from, int64_t to)
{
    const double *const a = f->a + at * f->depth * V, *const b = f->b + lane * f->b_stride;
    double *const out = f->out + lane * f->out_stride + at * V;
    const int64_t a_stride = f->depth * V, b_stride = f->b_stride, out_stride = f->out_stride;
    vec sum[8][8];
#pragma GCC unroll 8
    for (int l = 0; l < lanes; l++)
#pragma GCC unroll 8
        for (int v = 0; v < vectors; v++)
            sum[l][v] = from ? LOAD(out + l * out_stride + v * V) : f->start ? LOAD(f->start + (at + v) * V) : (vec){0};
    for (int64_t k = from; k < to; k++) {
        vec column[8];
#pragma GCC unroll 8
        for (int v = 0; v < vectors; v++) column[v] = LOAD(a + v * a_stride + k * V);
#pragma GCC unroll 8
        for (int l = 0; l < lanes; l++) {
            const vec entry = SPLAT(b[l * b_stride + k]);
#pragma GCC unroll 8
            for (int v = 0; v < vectors; v++) sum[l][v] = FMA(column[v], entry, sum[l][v]);
        }
    }
#pragma GCC unroll 8
    for (int l = 0; l < lanes; l++)
#pragma GCC unroll 8
        for (int v = 0; v < vectors; v++) STORE(out + l * out_stride + v * V, sum[l][v]);
}

/* Split `total` as evenly as can be into `parts`: where part `which` begins. */
INLINE int64_t NAME(part)(int64_t total, int64_t parts, int64_t which) { return total * which / parts; }
#define PARTS(total, most) (((total) + (most) - 1) / (most))

/* Vectors begin ≤ v < end of `lanes` lanes, a constant, in blocks of as many vectors as the registers hold. */
TARGET INLINE void NAME(strip)(const int lanes, const NAME(factors) * f, int64_t lane, int64_t begin, int64_t end,
                               int64_t from, int64_t to)
{
    const int64_t parts = PARTS(end - begin, MOST_VECTORS(lanes));
    for (int64_t part = 0; part < parts; part++) {
        const int64_t at = begin + NAME(part)(end - begin, parts, part);
#define CASE(n)                                                                                \
    case n:                                                                                    \
        if ((n) <= MOST_VECTORS(lanes)) NAME(block)(lanes, (n), f, lane, at, from, to);        \
        break;
        switch (begin + NAME(part)(end - begin, parts, part + 1) - at) {
            CASE(1) CASE(2) CASE(3) CASE(4) CASE(5) CASE(6) CASE(7) CASE(8)
        }
#undef CASE
    }
}

TARGET static void NAME(strips)(int64_t lanes, const NAME(factors) * f, int64_t lane, int64_t begin, int64_t end,
                                int64_t from, int64_t to)
{
#define CASE(n)                                                                                \
    case n:                                                                                    \
        if ((n) <= MOST_LANES) NAME(strip)((n), f, lane, begin, end, from, to);                \
        break;
    switch (lanes) {
        CASE(1) CASE(2) CASE(3) CASE(4) CASE(5) CASE(6) CASE(7) CASE(8)
    }
#undef CASE
}

/* The whole product for lanes first ≤ l < last. */
TARGET static void NAME(product)(const NAME(factors) * f, int64_t first, int64_t last)
{
    const int64_t parts = PARTS(last - first, MOST_LANES);
    for (int64_t from = 0; from < f->depth; from += DEEPEST) {
        const int64_t to = from + DEEPEST < f->depth ? from + DEEPEST : f->depth;
        const int64_t fitting = BLOCK_BYTES / (V * 8 * (to - from)), most = fitting < 8 ? 8 : fitting;
        const int64_t groups = PARTS(f->vectors, most);
        for (int64_t group = 0; group < groups; group++)
            for (int64_t part = 0; part < parts; part++) {
                const int64_t lane = first + NAME(part)(last - first, parts, part);
                NAME(strips)(first + NAME(part)(last - first, parts, part + 1) - lane, f, lane,
                             NAME(part)(f->vectors, groups, group), NAME(part)(f->vectors, groups, group + 1), from, to);
            }
    }
}

/* u^exponent for exponent ≥ 1 by repeated squaring from its leading bit. */
TARGET INLINE vec NAME(power)(vec u, int64_t exponent)
{
    vec result = u;
    int64_t bit = 1;
    while (bit * 2 <= exponent) bit *= 2;
    for (bit /= 2; bit; bit /= 2) {
        result = result * result;
        if (exponent & bit) result = result * u;
    }
    return result;
}

/* β(θ) of one lane. */
TARGET INLINE void NAME(predict)(const int64_t network, const int64_t depth, int64_t dims, double *const part[4],
                                 double *beta)
{
    for (int64_t i = 0; i < dims; i += V) {
        const vec p = LOAD(part[0] + i), m = LOAD(part[1] + i);
        if (network == SQUARED) STORE(beta + i, p * p - m * m);
        if (network == DEEP) STORE(beta + i, NAME(power)(p, depth - 1) * p - NAME(power)(m, depth - 1) * m);
        if (network == UV) STORE(beta + i, p * LOAD(part[2] + i) - m * LOAD(part[3] + i));
    }
}

/* One step of one lane by x = coefficient·Xᵀr, without momentum, with the new β and the sum of all x. */
TARGET INLINE void NAME(move)(const int64_t network, const int64_t depth, int64_t dims, double *const part[4],
                              const double *pull, double coefficient, double *sum, double *beta)
{
    const vec one = SPLAT(1.0), rate = SPLAT(coefficient);
    for (int64_t i = 0; i < dims; i += V) {
        const vec x = LOAD(pull + i) * rate;
        vec p = LOAD(part[0] + i), m = LOAD(part[1] + i);
        STORE(sum + i, LOAD(sum + i) + x);
        if (network == SQUARED) {
            p = p * (one - x);
            m = m * (one + x);
            STORE(beta + i, p * p - m * m);
        }
        if (network == DEEP) {
            p = p - NAME(power)(p, depth - 1) * x;
            m = m + NAME(power)(m, depth - 1) * x;
            STORE(beta + i, NAME(power)(p, depth - 1) * p - NAME(power)(m, depth - 1) * m);
        }
        if (network == UV) {
            const vec vp = LOAD(part[2] + i), vm = LOAD(part[3] + i);
            const vec new_vp = vp - p * x, new_vm = vm + m * x;
            p = p - vp * x;
            m = m + vm * x;
            STORE(part[2] + i, new_vp);
            STORE(part[3] + i, new_vm);
            STORE(beta + i, p * new_vp - m * new_vm);
        }
        STORE(part[0] + i, p);
        STORE(part[1] + i, m);
    }
}

/* As `move` with momentum: v ← kept·v + change, θ ← θ + v. */
TARGET INLINE void NAME(roll)(const int64_t network, const int64_t depth, int64_t dims, double *const part[4],
                              double *const velocity[4], double kept, const double *pull, double coefficient,
                              double *sum, double *beta)
{
    const vec stays = SPLAT(kept), rate = SPLAT(coefficient);
    const int parts = network == UV ? 4 : 2;
    for (int64_t i = 0; i < dims; i += V) {
        const vec x = LOAD(pull + i) * rate;
        vec theta[4], change[4];
        for (int k = 0; k < parts; k++) theta[k] = LOAD(part[k] + i);
        STORE(sum + i, LOAD(sum + i) + x);
        for (int k = 0; k < parts; k++) {
            const vec factor = network == SQUARED ? theta[k]
                               : network == UV    ? theta[(k + 2) & 3]
                                                  : NAME(power)(theta[k], depth - 1);
            change[k] = k & 1 ? factor * x : -(factor * x);
        }
        for (int k = 0; k < parts; k++) {
            const vec v = LOAD(velocity[k] + i) * stays + change[k];
            STORE(velocity[k] + i, v);
            theta[k] = theta[k] + v;
            STORE(part[k] + i, theta[k]);
        }
        if (network == SQUARED) STORE(beta + i, theta[0] * theta[0] - theta[1] * theta[1]);
        if (network == DEEP)
            STORE(beta + i,
                  NAME(power)(theta[0], depth - 1) * theta[0] - NAME(power)(theta[1], depth - 1) * theta[1]);
        if (network == UV) STORE(beta + i, theta[0] * theta[2] - theta[1] * theta[3]);
    }
}

INLINE void NAME(rows_of)(const batch *b, double *array, int64_t lane, double *part[4])
{
    for (int k = 0; k < (b->network == UV ? 4 : 2); k++) part[k] = array + (k * b->lanes + lane) * b->dims;
}

/* The step of one lane; network and the common depths are constants of the loop over its entries. */
TARGET static void NAME(step_lane)(const batch *b, int64_t lane, double coefficient, double kept)
{
    double *part[4], *velocity[4];
    const double *pull = b->pull + lane * b->dims;
    double *sum = b->gradient_sum + lane * b->dims, *beta = b->predictor + lane * b->dims;
    NAME(rows_of)(b, b->theta, lane, part);
    if (b->velocity) NAME(rows_of)(b, b->velocity, lane, velocity);
#define STEP(network, depth)                                                                              \
    if (b->velocity) NAME(roll)(network, depth, b->dims, part, velocity, kept, pull, coefficient, sum, beta); \
    else NAME(move)(network, depth, b->dims, part, pull, coefficient, sum, beta)
    if (b->network == SQUARED) STEP(SQUARED, 2);
    else if (b->network == UV) STEP(UV, 2);
    else if (b->depth == 3) STEP(DEEP, 3);
    else if (b->depth == 4) STEP(DEEP, 4);
    else STEP(DEEP, b->depth);
#undef STEP
}

TARGET static void NAME(predict_all)(const batch *b)
{
    for (int64_t lane = 0; lane < b->lanes; lane++) {
        double *part[4], *beta = b->predictor + lane * b->dims;
        NAME(rows_of)(b, b->theta, lane, part);
        if (b->network == SQUARED) NAME(predict)(SQUARED, 2, b->dims, part, beta);
        if (b->network == DEEP) NAME(predict)(DEEP, b->depth, b->dims, part, beta);
        if (b->network == UV) NAME(predict)(UV, 2, b->dims, part, beta);
    }
}

/* r = Xβ − y of lanes first ≤ l < last. */
TARGET static void NAME(residuals)(const batch *b, int64_t first, int64_t last)
{
    const NAME(factors) f = {b->by_sample,     b->dim,      PARTS(b->samples, V), b->predictor, b->dims,
                             b->minus_targets, b->residual, b->rows};
    NAME(product)(&f, first, last);
}

/* What label noise or a minibatch makes of the residual of one lane. */
TARGET static void NAME(perturb)(const batch *b, const stretch *s, int64_t t, int64_t lane)
{
    double *r = b->residual + lane * b->rows;
    const int64_t at = (t * b->lanes + lane) * b->rows;
    for (int64_t i = 0; i < b->rows; i += V) {
        if (s->shift) STORE(r + i, LOAD(r + i) - LOAD(s->shift + at + i));
        if (s->weight) STORE(r + i, LOAD(r + i) * LOAD(s->weight + at + i));
    }
}

/* Step number t of a stretch, for lanes first ≤ l < last. */
TARGET static void NAME(step)(const batch *b, const stretch *s, int64_t t, int64_t first, int64_t last)
{
    NAME(residuals)(b, first, last);
    if (s->shift || s->weight)
        for (int64_t lane = first; lane < last; lane++) NAME(perturb)(b, s, t, lane);
    const NAME(factors) f = {b->by_dim, b->samples, PARTS(b->dim, V), b->residual, b->rows, NULL, b->pull, b->dims};
    NAME(product)(&f, first, last);
    for (int64_t lane = first; lane < last; lane++)
        NAME(step_lane)(b, lane, s->coefficients[t * s->coefficient_stride + lane],
                        s->kept ? s->kept[t * s->kept_stride + lane] : 0.0);
}

/* ‖r‖²/(2N) of every lane at its present β, summed in eight parts whatever the width of a vector. */
TARGET static void NAME(losses_of)(const batch *b, double *out)
{
    NAME(residuals)(b, 0, b->lanes);
    for (int64_t lane = 0; lane < b->lanes; lane++) {
        const double *r = b->residual + lane * b->rows;
        double part[WIDEST] = {0};
        for (int64_t i = 0; i < b->rows; i += WIDEST)
            for (int64_t j = 0; j < WIDEST; j++) part[j] += r[i + j] * r[i + j];
        out[lane] = (((part[0] + part[1]) + (part[2] + part[3])) + ((part[4] + part[5]) + (part[6] + part[7]))) /
                    (double)(2 * b->samples);
    }
}

TARGET static void NAME(losses)(const batch *b, double *out)
{
    NAME(predict_all)(b);
    NAME(losses_of)(b, out);
}

INLINE int NAME(alarm)(const batch *b, const stretch *s, const double *losses, int64_t step)
{
    for (int64_t lane = 0; lane < b->lanes; lane++)
        if ((losses[lane] <= s->low[lane] && step >= s->low_from[lane]) ||
            (losses[lane] <= s->calm[lane] && step < s->calm_until[lane]) || !(losses[lane] <= s->high[lane]))
            return 1;
    return 0;
}

TARGET static int64_t NAME(advance)(const batch *b, stretch *s)
{
    const int resident = b->samples * b->dim * 16 <= RESIDENT_BYTES;
    const int64_t parts = resident ? PARTS(b->lanes, MOST_LANES) : 1;
    int64_t done = 0, checks = 0;
    s->alarmed = 0;
    NAME(predict_all)(b);
    while (done < s->steps) {
        const int64_t to_check = s->interval - (s->start + done) % s->interval;
        const int64_t stop = done + (to_check < s->steps - done ? to_check : s->steps - done);
        for (int64_t p = 0; p < parts; p++)
            for (int64_t t = done; t < stop; t++)
                NAME(step)(b, s, t, NAME(part)(b->lanes, parts, p), NAME(part)(b->lanes, parts, p + 1));
        done = stop;
        if ((s->start + done) % s->interval == 0) {
            double *losses = s->losses + checks++ * b->lanes;
            NAME(losses_of)(b, losses);
            s->alarmed = NAME(alarm)(b, s, losses, s->start + done);
            if (s->alarmed) break;
        }
    }
    return done;
}

#undef vec
#undef LOAD
#undef STORE
#undef PARTS
#undef ISA
#undef V
#undef TARGET
#undef FMA
#undef SPLAT
#undef MOST_LANES
#undef MOST_VECTORS
