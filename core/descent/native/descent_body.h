/* The step for one instruction set: the body that descent.c gives to isa.h. */
#include "vectors.h"

#define TILE_VECTORS (WIDEST / V) /* vectors of a cache line */

/* A product: p[lane][row] = start[row] + Σ_k A[row][k]·b[lane][k], k ascending; `start` may be NULL, for zeros.
 * It becomes, by `finish`:
 *   PLAIN   out = p
 *   SCALED  out = coefficient[lane]·p, added to `sum` as well
 *   MOVED   no output: the step of the squared network by x = p, and its new β */
typedef struct {
    const double *a; /* packed */
    int64_t depth, vectors;
    const double *b;
    int64_t b_stride;
    const double *start;
    double *out; /* holds what was summed so far as well */
    int64_t out_stride;
    const double *coefficient;
    double *sum; /* as `out` */
    const batch *of;
    int distant; /* whether X and the parameters are in no near cache */
} NAME(factors);

/* The step u± ← u±∘(1 ∓ x) of the squared network at the vector `at` of a lane, and its new β. */
TARGET INLINE void NAME(move_squared)(const batch *b, int64_t at, vec x)
{
    double *const plus = b->theta + at, *const minus = plus + b->lanes * b->dims;
    const vec one = SPLAT(1.0), p = LOAD(plus) * (one - x), m = LOAD(minus) * (one + x);
    STORE(plus, p);
    STORE(minus, m);
    STORE(b->predictor + at, p * p - m * m);
}

/* What becomes of the vector `at` of a lane, counted from the beginning of `out`. */
TARGET INLINE void NAME(finish)(const int finish, const NAME(factors) * f, int64_t lane, int64_t at, vec product)
{
    if (finish == MOVED) {
        NAME(move_squared)(f->of, at, product);
        return;
    }
    if (finish == SCALED) {
        product = product * SPLAT(f->coefficient[lane]);
        STORE(f->sum + at, LOAD(f->sum + at) + product);
    }
    STORE(f->out + at, product);
}

/* Fetch what a block will move. */
TARGET INLINE void NAME(fetch_parameters)(const int lanes, const int vectors, const NAME(factors) * f, int64_t place)
{
    for (int l = 0; l < lanes; l++)
        for (int v = 0; v < vectors; v += TILE_VECTORS) {
            const int64_t at = place + l * f->out_stride + v * V;
            __builtin_prefetch(f->of->theta + at, 1);
            __builtin_prefetch(f->of->theta + f->of->lanes * f->of->dims + at, 1);
            __builtin_prefetch(f->of->predictor + at, 1);
        }
}

/* k from `from` to `to` of a block of `lanes` × `vectors`; these and `finish` are constants where this is inlined. A
 * vector of X is fetched from `ahead` at every k: it belongs to what is passed next. */
TARGET INLINE void NAME(block)(const int lanes, const int vectors, const int finish, const NAME(factors) * f,
                               int64_t lane, int64_t at, int64_t from, int64_t to, const double *ahead)
{
    const int64_t a_stride = f->depth * V, b_stride = f->b_stride, out_stride = f->out_stride;
    const int64_t place = lane * out_stride + at * V;
    const double *const a = f->a + at * a_stride, *const b = f->b + lane * b_stride;
    vec sum[8][8];
    if (finish == MOVED && f->distant && to == f->depth) NAME(fetch_parameters)(lanes, vectors, f, place);
#pragma GCC unroll 8
    for (int l = 0; l < lanes; l++)
#pragma GCC unroll 8
        for (int v = 0; v < vectors; v++)
            sum[l][v] = from       ? LOAD(f->out + place + l * out_stride + v * V)
                        : f->start ? LOAD(f->start + (at + v) * V)
                                   : (vec){0};
    for (int64_t k = from; k < to; k++) {
        vec column[8];
        __builtin_prefetch(ahead, 0, 2);
        ahead += V;
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
        for (int v = 0; v < vectors; v++)
            NAME(finish)(to < f->depth ? PLAIN : finish, f, lane + l, place + l * out_stride + v * V, sum[l][v]);
}

/* Split `total` as evenly as can be into `parts`: where part `which` begins. */
INLINE int64_t NAME(part)(int64_t total, int64_t parts, int64_t which) { return total * which / parts; }
#define PARTS(total, most) (((total) + (most) - 1) / (most))

/* `count` blocks of the same vectors, for one group of lanes after the other; returns the lane after the last. */
TARGET INLINE int64_t NAME(blocks)(const int lanes, const int vectors, const int finish, const NAME(factors) * f,
                                   int64_t lane, int64_t count, int64_t at, int64_t from, int64_t to,
                                   const double *ahead)
{
    for (int v = 0; count > 0; count--, lane += lanes, v = v + 1 < vectors ? v + 1 : 0)
        NAME(block)(lanes, vectors, finish, f, lane, at, from, to, ahead + v * f->depth * V);
    return lane;
}

/* The same with numbers that are not constants. */
TARGET INLINE int64_t NAME(any_blocks)(int64_t lanes, int64_t vectors, const int finish, const NAME(factors) * f,
                                       int64_t lane, int64_t count, int64_t at, int64_t from, int64_t to,
                                       const double *ahead)
{
#define CASE(l, v)                                                                                          \
    case (l) * 16 + (v):                                                                                     \
        if ((l) <= MOST_LANES && (v) <= MOST_VECTORS(l))                                                    \
            return NAME(blocks)((l), (v), finish, f, lane, count, at, from, to, ahead);                     \
        break;
#define CASES(l) \
    CASE(l, 1) CASE(l, 2) CASE(l, 3) CASE(l, 4) CASE(l, 5) CASE(l, 6) CASE(l, 7) CASE(l, 8)
    switch (lanes * 16 + vectors) {
        CASES(1) CASES(2) CASES(3) CASES(4) CASES(5) CASES(6) CASES(7) CASES(8)
    }
#undef CASES
#undef CASE
    return lane;
}

/* The whole product for lanes first ≤ l < last. Lanes and vectors are split as evenly as can be into what the registers
 * hold; X is read strip by strip, and all lanes pass a strip before the next. */
TARGET INLINE void NAME(product)(const int finish, const NAME(factors) * f, int64_t first, int64_t last)
{
    const int64_t groups = PARTS(last - first, MOST_LANES), lanes = (last - first) / groups, more = (last - first) % groups;
    const int64_t strips = PARTS(f->vectors, MOST_VECTORS(lanes + (more > 0))), vectors = f->vectors / strips,
                  wider = f->vectors % strips;
    for (int64_t from = 0; from < f->depth; from += DEEPEST) {
        const int64_t to = from + DEEPEST < f->depth ? from + DEEPEST : f->depth;
        for (int64_t strip = 0, at = 0; strip < strips; strip++) {
            const int64_t width = vectors + (strip < wider);
            const int last_strip = strip + 1 == strips;
            const int64_t next = last_strip ? 0 : at + width, next_from = last_strip ? to % f->depth : from;
            const double *const ahead = f->a + (next * f->depth + next_from) * V;
            int64_t lane = first;
            if (more) lane = NAME(any_blocks)(lanes + 1, width, finish, f, lane, more, at, from, to, ahead);
            NAME(any_blocks)(lanes, width, finish, f, lane, groups - more, at, from, to, ahead);
            at += width;
        }
    }
}

/* One copy for each `finish`. */
TARGET static void NAME(plain_product)(const NAME(factors) * f, int64_t first, int64_t last)
{
    NAME(product)(PLAIN, f, first, last);
}

TARGET static void NAME(scaled_product)(const NAME(factors) * f, int64_t first, int64_t last)
{
    NAME(product)(SCALED, f, first, last);
}

TARGET static void NAME(moved_product)(const NAME(factors) * f, int64_t first, int64_t last)
{
    NAME(product)(MOVED, f, first, last);
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

/* One step of one lane by x, without momentum, with the new β. */
TARGET INLINE void NAME(move)(const int64_t network, const int64_t depth, int64_t dims, double *const part[4],
                              const double *gradient, double *beta)
{
    for (int64_t i = 0; i < dims; i += V) {
        const vec x = LOAD(gradient + i);
        vec p = LOAD(part[0] + i), m = LOAD(part[1] + i);
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

/* As `move` and `move_squared` with momentum: v ← kept·v + change, θ ← θ + v; of Nesterov θ ← θ + (kept·v + change).
 * Where it `decays`, `pull`·θ is taken off the change, and θ is multiplied by `shrink` before anything is added. */
TARGET INLINE void NAME(roll)(const int64_t network, const int64_t depth, int64_t dims, double *const part[4],
                              double *const velocity[4], double kept, const int64_t nesterov, const double *gradient,
                              double *beta, const int decays, double shrink, double pull)
{
    const vec stays = SPLAT(kept);
    const int parts = network == UV ? 4 : 2;
    for (int64_t i = 0; i < dims; i += V) {
        const vec x = LOAD(gradient + i);
        vec theta[4], change[4];
        for (int k = 0; k < parts; k++) theta[k] = LOAD(part[k] + i);
        for (int k = 0; k < parts; k++) {
            const vec factor = network == SQUARED ? theta[k]
                               : network == UV    ? theta[(k + 2) & 3]
                                                  : NAME(power)(theta[k], depth - 1);
            change[k] = k & 1 ? factor * x : -(factor * x);
        }
        if (decays)
            for (int k = 0; k < parts; k++) {
                change[k] = change[k] - SPLAT(pull) * theta[k];
                theta[k] = theta[k] * SPLAT(shrink);
            }
        for (int k = 0; k < parts; k++) {
            vec v = LOAD(velocity[k] + i) * stays + change[k];
            STORE(velocity[k] + i, v);
            if (nesterov) v = v * stays + change[k];
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

/* The step of one lane by x = `gradient`; network and the common depths are constants of the loop over its entries. */
TARGET INLINE void NAME(step_lane)(const batch *b, int64_t lane, double kept, const int decays, double shrink,
                                   double pull)
{
    double *part[4], *velocity[4];
    const double *gradient = b->gradient + lane * b->dims;
    double *beta = b->predictor + lane * b->dims;
    NAME(rows_of)(b, b->theta, lane, part);
    if (b->velocity) NAME(rows_of)(b, b->velocity, lane, velocity);
#define ROLL(network, depth) \
    NAME(roll)(network, depth, b->dims, part, velocity, kept, b->nesterov, gradient, beta, decays, shrink, pull)
    if (b->network == SQUARED && !b->velocity) {
        for (int64_t i = 0; i < b->dims; i += V) NAME(move_squared)(b, lane * b->dims + i, LOAD(gradient + i));
        return;
    }
#define STEP(network, depth)                 \
    if (b->velocity) ROLL(network, depth);   \
    else NAME(move)(network, depth, b->dims, part, gradient, beta)
    if (b->network == SQUARED) ROLL(SQUARED, 2);
    else if (b->network == UV) STEP(UV, 2);
    else if (b->depth == 3) STEP(DEEP, 3);
    else if (b->depth == 4) STEP(DEEP, 4);
    else STEP(DEEP, b->depth);
#undef STEP
#undef ROLL
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

INLINE int NAME(is_resident)(const batch *b) { return b->samples * b->dim * 16 <= RESIDENT_BYTES; }

/* r = Xβ − y, as `residual` is to hold it. */
TARGET INLINE NAME(factors) NAME(residual_factors)(const batch *b)
{
    return (NAME(factors)){.a = b->by_sample,
                           .depth = b->dim,
                           .vectors = PARTS(b->samples, V),
                           .b = b->predictor,
                           .b_stride = b->dims,
                           .start = b->minus_targets,
                           .out = b->residual,
                           .out_stride = b->rows,
                           .sum = b->residual_sum};
}

#include "sweep_body.h"

/* What label noise or a minibatch makes of residuals from ≤ i < to of one lane, times its coefficient, added to the sum. */
TARGET static void NAME(perturb)(const batch *b, const stretch *s, int64_t t, int64_t lane, double coefficient,
                                 int64_t from, int64_t to)
{
    double *const r = b->residual + lane * b->rows, *const sum = b->residual_sum + lane * b->rows;
    const int64_t at = (t * b->lanes + lane) * b->rows, next = b->lanes * b->rows; /* that of the next step */
    for (int64_t i = from; i < to; i += V) {
        vec perturbed = LOAD(r + i);
        if (s->shift) {
            perturbed = perturbed - LOAD(s->shift + at + i);
            __builtin_prefetch(s->shift + at + next + i);
        }
        if (s->weight) {
            perturbed = perturbed * LOAD(s->weight + at + i);
            __builtin_prefetch(s->weight + at + next + i);
        }
        perturbed = perturbed * SPLAT(coefficient);
        STORE(r + i, perturbed);
        STORE(sum + i, LOAD(sum + i) + perturbed);
    }
}

/* r and x where X is in tiles alone: a strip of rows gives its residuals, and they their part of x, while it is at hand.
 * Residuals are perturbed, scaled and summed up, or left as they are. */
TARGET static void NAME(sweep)(const batch *b, const stretch *s, int64_t t, int64_t first, int64_t last, int is_scaled)
{
    const double *const coefficient = s->coefficients + t * s->coefficient_stride;
    const int64_t strip = NAME(strip)(b);
    for (int64_t row = 0; row < b->rows; row += strip) {
        const int64_t to = row + strip < b->rows ? row + strip : b->rows;
        const int64_t ahead = (to < b->rows ? to - row : -row) * b->dims; /* to what is read next, which is fetched */
        NAME(residuals)(b, first, last, row, to, ahead);
        for (int64_t lane = first; is_scaled && lane < last; lane++)
            NAME(perturb)(b, s, t, lane, coefficient[lane], row, to);
        NAME(gradients)(b, first, last, row, to, ahead);
    }
}

/* Without a velocity: parameters of lanes are multiplied by `shrink`; their new β. */
TARGET static void NAME(shrink_lanes)(const batch *b, const stretch *s, int64_t t, int64_t first, int64_t last)
{
    for (int64_t lane = first; lane < last; lane++) {
        const double shrink = s->shrink[t * s->shrink_stride + lane];
        double *part[4], *beta = b->predictor + lane * b->dims;
        if (shrink == 1) continue;
        NAME(rows_of)(b, b->theta, lane, part);
        for (int k = 0; k < (b->network == UV ? 4 : 2); k++)
            for (int64_t i = 0; i < b->dims; i += V) STORE(part[k] + i, LOAD(part[k] + i) * SPLAT(shrink));
        if (b->network == SQUARED) NAME(predict)(SQUARED, 2, b->dims, part, beta);
        if (b->network == DEEP) NAME(predict)(DEEP, b->depth, b->dims, part, beta);
        if (b->network == UV) NAME(predict)(UV, 2, b->dims, part, beta);
    }
}

/* The step of one lane, with what decays and without. */
TARGET static void NAME(step_alone)(const batch *b, int64_t lane, double kept)
{
    NAME(step_lane)(b, lane, kept, 0, 1.0, 0.0);
}

TARGET static void NAME(step_decaying)(const batch *b, int64_t lane, double kept, double shrink, double pull)
{
    NAME(step_lane)(b, lane, kept, 1, shrink, pull);
}

/* Look at the losses before step t, of residuals that are scaled; a lane that stands still has the loss that it had. */
TARGET static void NAME(look_at)(const batch *b, const stretch *s, int64_t t, int64_t first, int64_t last)
{
    const double *const coefficient = s->coefficients + t * s->coefficient_stride;
    for (int64_t lane = first; lane < last; lane++) {
        const double c = coefficient[lane], square = NAME(square)(b->residual + lane * b->rows, b->rows);
        if (c != 0) look(s, lane, s->start + t, square / (c * c * (double)(2 * b->samples)));
    }
}

/* The steps of lanes by x. */
TARGET INLINE void NAME(step_lanes)(const batch *b, const stretch *s, int64_t t, int64_t first, int64_t last)
{
    for (int64_t lane = first; lane < last; lane++) {
        const double kept = s->kept ? s->kept[t * s->kept_stride + lane] : 0.0;
        if (s->shrink && b->velocity)
            NAME(step_decaying)(b, lane, kept, s->shrink[t * s->shrink_stride + lane],
                                s->pull[t * s->pull_stride + lane]);
        else
            NAME(step_alone)(b, lane, kept);
    }
    if (s->shrink && !b->velocity) NAME(shrink_lanes)(b, s, t, first, last);
}

/* What time averages are made of: β before the step, and 1, times rate·η/N; coefficients are that over what shrinks. */
TARGET static void NAME(accumulate)(const batch *b, const stretch *s, int64_t t, int64_t first, int64_t last)
{
    for (int64_t lane = first; lane < last; lane++) {
        const double coefficient = s->coefficients[t * s->coefficient_stride + lane],
                     shrink = s->shrink && !b->velocity ? s->shrink[t * s->shrink_stride + lane] : 1,
                     weight = coefficient * shrink;
        double *const sum = b->predictor_sum + lane * b->dims;
        const double *const beta = b->predictor + lane * b->dims;
        for (int64_t i = 0; i < b->dims; i += V) STORE(sum + i, LOAD(sum + i) + SPLAT(weight) * LOAD(beta + i));
        b->weight_sum[lane] += weight;
    }
}

#include "ascent_body.h"

/* Step number t of a stretch, for lanes first ≤ l < last: r scaled by the coefficients, x = Xᵀr, and the step by x. */
TARGET static void NAME(step)(const batch *b, const stretch *s, int64_t t, int64_t first, int64_t last)
{
    if (b->predictor_sum) NAME(accumulate)(b, s, t, first, last);
    if (s->rho || s->parameters) {
        NAME(step_elsewhere)(b, s, t, first, last);
        return;
    }
    const double *const coefficient = s->coefficients + t * s->coefficient_stride;
    const int gathered = b->tiles && s->weight && NAME(gather)(b, s, t, first, last);
    if (gathered || !b->by_sample) {
        if (!gathered) NAME(sweep)(b, s, t, first, last, 1);
        if (!gathered && is_looked_at(s, t)) NAME(look_at)(b, s, t, first, last);
        NAME(step_lanes)(b, s, t, first, last);
        return;
    }
    NAME(factors) residual = NAME(residual_factors)(b);
    residual.coefficient = coefficient;
    if (s->shift || s->weight) {
        NAME(plain_product)(&residual, first, last);
        for (int64_t lane = first; lane < last; lane++) NAME(perturb)(b, s, t, lane, coefficient[lane], 0, b->rows);
    } else
        NAME(scaled_product)(&residual, first, last);
    if (is_looked_at(s, t)) NAME(look_at)(b, s, t, first, last);
    const NAME(factors) gradient = {.a = b->by_dim,
                                .depth = b->samples,
                                .vectors = PARTS(b->dim, V),
                                .b = b->residual,
                                .b_stride = b->rows,
                                .out = b->gradient,
                                .out_stride = b->dims,
                                .of = b,
                                .distant = !NAME(is_resident)(b)};
    if (b->network == SQUARED && !b->velocity) {
        NAME(moved_product)(&gradient, first, last);
        if (s->shrink) NAME(shrink_lanes)(b, s, t, first, last);
        return;
    }
    NAME(plain_product)(&gradient, first, last);
    NAME(step_lanes)(b, s, t, first, last);
}

/* ‖r‖²/(2N) of every lane at its present β, summed in eight parts whatever the width of a vector. */
TARGET static void NAME(losses_of)(const batch *b, double *out)
{
    const NAME(factors) residual = NAME(residual_factors)(b);
    if (!b->by_sample) NAME(residuals)(b, 0, b->lanes, 0, b->rows, 0);
    else NAME(plain_product)(&residual, 0, b->lanes);
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
    const int resident = NAME(is_resident)(b);
    const int64_t parts = PARTS(b->lanes, resident ? MOST_RESIDENT : MOST_PASSING);
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
            for (int64_t lane = 0; s->grew_at && lane < b->lanes; lane++) look(s, lane, s->start + done, losses[lane]);
            s->alarmed = NAME(alarm)(b, s, losses, s->start + done);
            if (s->alarmed) break;
        }
    }
    return done;
}

static int NAME(is_supported)(void) { return SUPPORTED; }

enum { NAME(WIDTH) = V };

#undef TILE_VECTORS
#undef PARTS
