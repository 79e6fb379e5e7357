/* The sharpness at one state, for one instruction set: the body that sharpness.c gives to isa.h. */
#include "small_spectrum.h"
#include "vectors.h"

typedef int64_t NAME(mask) __attribute__((vector_size(V * 8), may_alias)); /* of comparisons: all bits or none */

#define BY_ROWS(count, call)                       \
    switch (count) {                               \
        case 1: NAME(call)(1, CALLED_WITH); break; \
        case 2: NAME(call)(2, CALLED_WITH); break; \
        case 3: NAME(call)(3, CALLED_WITH); break; \
        default: NAME(call)(4, CALLED_WITH);       \
    }

/* M·x for a matrix of any number of rows. */
TARGET static void NAME(all_dots)(int64_t count, const double *m, int64_t entries, const double *x, double *out)
{
    for (int64_t r = 0; r < count; r += ROWS) {
#define CALLED_WITH m + r * entries, entries, x, 0, entries, out + r
        BY_ROWS(count - r, dots)
#undef CALLED_WITH
    }
}

/* out += Mᵀ·weight. */
TARGET static void NAME(combine_all)(int64_t count, const double *m, int64_t entries, const double *weight, double *out)
{
    for (int64_t r = 0; r < count; r += ROWS) {
#define CALLED_WITH m + r * entries, entries, weight + r, 0, entries, out
        BY_ROWS(count - r, combine)
#undef CALLED_WITH
    }
}

/* One lane of those that are looked at together: its space, and what else is known of it. Q orthonormal, `projection` =
 * QHQᵀ in its lower triangle, `value` the Ritz value θ, `norm` an estimate of ‖H‖, `top` max b of the coordinates that
 * are searched and `alone` that of those that are eigenvectors by themselves; `elsewhere`: the space is to grow from
 * another pair than the best. What is solved is H over 4^exponent. */
typedef struct {
    const factored_loss *f;
    double *work;
    int64_t lane, entries;
    int begun, size, most, products, elsewhere;
    double projection[FULL][FULL], value, norm, top, alone;
    int64_t exponent;
} NAME(space);

/* Lanes whose products are made together. Where a vector has fewer entries than a sum has parts, lanes one at a time are
 * faster (AVX2: 15 % along trajectories at N = 50, d = 100). */
enum { NAME(TOGETHER) = V == WIDEST ? MOST_TOGETHER : 1 };

/* A lane whose search has not begun needs Fᵀ(Fβ − t), the gradient of ‖Fβ − t‖²/2; any other FᵀFx. */
INLINE const double *NAME(target_of)(const NAME(space) * s) { return s->begun ? NULL : s->f->target; }

/* That product of one lane: one pass over F. */
TARGET static void NAME(gradient)(const NAME(space) * s)
{
    const factored_loss *const f = s->f;
    const double *const x = s->work + MOVED * f->dims, *const target = NAME(target_of)(s);
    double *const out = s->work + GRADIENT * f->dims;
    for (int64_t i = 0; i < f->dims; i += V) STORE(out + i, (vec){0});
    for (int64_t row = 0; row < f->rows; row += 2 * ROWS) {
        const double *const m = f->factor + row * f->dims;
        const int64_t from = f->trapezoidal ? row / WIDEST * WIDEST : 0;
        const int both = row + ROWS < f->rows;
        double product[2 * ROWS];
        NAME(dots)(ROWS, m, f->dims, x, from, f->dims, product);
        if (both) NAME(dots)(ROWS, m + ROWS * f->dims, f->dims, x, from, f->dims, product + ROWS);
        if (target)
            for (int r = 0; r < (both ? 2 * ROWS : ROWS); r++) product[r] -= target[row + r];
        if (both) NAME(combine)(2 * ROWS, m, f->dims, product, from, f->dims, out);
        else NAME(combine)(ROWS, m, f->dims, product, from, f->dims, out);
    }
}

/* As `dots` of ROWS rows for several vectors x, which read a row together: each sum is the same. */
TARGET INLINE void NAME(dots_together)(const int lanes, const double *m, int64_t stride, const double *const *x,
                                       int64_t from, int64_t to, double out[][2 * ROWS])
{
    vec part[MOST_TOGETHER][ROWS][WIDEST / V];
#pragma GCC unroll 8
    for (int v = 0; v < WIDEST / V; v++) {
        vec sum[MOST_TOGETHER][ROWS];
#pragma GCC unroll 8
        for (int l = 0; l < lanes; l++)
#pragma GCC unroll 8
            for (int r = 0; r < ROWS; r++) sum[l][r] = (vec){0};
        for (int64_t i = from + v * V; i < to; i += WIDEST) {
            vec row[ROWS];
#pragma GCC unroll 8
            for (int r = 0; r < ROWS; r++) row[r] = LOAD(m + r * stride + i);
#pragma GCC unroll 8
            for (int l = 0; l < lanes; l++) {
                const vec entry = LOAD(x[l] + i);
#pragma GCC unroll 8
                for (int r = 0; r < ROWS; r++) sum[l][r] = FMA(row[r], entry, sum[l][r]);
            }
        }
#pragma GCC unroll 8
        for (int l = 0; l < lanes; l++)
#pragma GCC unroll 8
            for (int r = 0; r < ROWS; r++) part[l][r][v] = sum[l][r];
    }
#pragma GCC unroll 8
    for (int l = 0; l < lanes; l++)
#pragma GCC unroll 8
        for (int r = 0; r < ROWS; r++) out[l][r] = NAME(total)(part[l][r]);
}

/* As `combine` for several lanes, `vectors` of a row at a time from column i. */
TARGET INLINE void NAME(combine_block)(const int lanes, const int vectors, int rows, const double *m, int64_t stride,
                                       double weight[][2 * ROWS], int64_t i, double *const *out)
{
    vec sum[MOST_TOGETHER][ROWS];
#pragma GCC unroll 8
    for (int l = 0; l < lanes; l++)
#pragma GCC unroll 8
        for (int v = 0; v < vectors; v++) sum[l][v] = LOAD(out[l] + i + v * V);
    for (int r = 0; r < rows; r++) {
        vec row[ROWS];
#pragma GCC unroll 8
        for (int v = 0; v < vectors; v++) row[v] = LOAD(m + r * stride + i + v * V);
#pragma GCC unroll 8
        for (int l = 0; l < lanes; l++) {
            const vec w = SPLAT(weight[l][r]);
#pragma GCC unroll 8
            for (int v = 0; v < vectors; v++) sum[l][v] = FMA(w, row[v], sum[l][v]);
        }
    }
#pragma GCC unroll 8
    for (int l = 0; l < lanes; l++)
#pragma GCC unroll 8
        for (int v = 0; v < vectors; v++) STORE(out[l] + i + v * V, sum[l][v]);
}

/* `gradient` of several lanes: what is summed up for a lane, and in which order, is the same. */
TARGET INLINE void NAME(gradients)(const int lanes, NAME(space) *const *s)
{
    const factored_loss *const f = s[0]->f;
    const double *x[MOST_TOGETHER];
    double *out[MOST_TOGETHER];
    for (int l = 0; l < lanes; l++) {
        x[l] = s[l]->work + MOVED * f->dims;
        out[l] = s[l]->work + GRADIENT * f->dims;
        for (int64_t i = 0; i < f->dims; i += V) STORE(out[l] + i, (vec){0});
    }
    for (int64_t row = 0; row < f->rows; row += 2 * ROWS) {
        const double *const m = f->factor + row * f->dims;
        int64_t i = f->trapezoidal ? row / WIDEST * WIDEST : 0;
        const int rows = row + ROWS < f->rows ? 2 * ROWS : ROWS;
        double product[MOST_TOGETHER][2 * ROWS];
        for (int r = 0; r < rows; r += ROWS) {
            double half[MOST_TOGETHER][2 * ROWS];
            NAME(dots_together)(lanes, m + r * f->dims, f->dims, x, i, f->dims, half);
            for (int l = 0; l < lanes; l++)
                for (int k = 0; k < ROWS; k++) product[l][r + k] = half[l][k];
        }
        for (int l = 0; l < lanes; l++) {
            const double *const target = NAME(target_of)(s[l]);
            for (int r = 0; target && r < rows; r++) product[l][r] -= target[row + r];
        }
        for (; i + ROWS * V <= f->dims; i += ROWS * V)
            NAME(combine_block)(lanes, ROWS, rows, m, f->dims, product, i, out);
        for (; i < f->dims; i += V) NAME(combine_block)(lanes, 1, rows, m, f->dims, product, i, out);
    }
}

/* The products that these lanes need. */
TARGET static void NAME(multiply)(int lanes, NAME(space) *const *s)
{
#define CASE(l) case l: if (l <= NAME(TOGETHER)) NAME(gradients)(l, s); break;
    switch (lanes) {
        case 1: NAME(gradient)(s[0]); break;
        CASE(2) CASE(3) CASE(4)
    }
#undef CASE
}

TARGET static void NAME(predict)(const factored_loss *f, const double *theta, double *beta)
{
    const int64_t dims = f->dims;
    for (int64_t i = 0; i < dims; i += V) {
        const vec p = LOAD(theta + i), m = LOAD(theta + dims + i);
        STORE(beta + i, f->network == UV ? p * LOAD(theta + 2 * dims + i) - m * LOAD(theta + 3 * dims + i)
                                         : NAME(power)(p, f->depth) - NAME(power)(m, f->depth));
    }
}

/* Entries of `yes` where a comparison holds, of `no` elsewhere. */
TARGET INLINE vec NAME(select)(NAME(mask) holds, vec yes, vec no)
{
    return (vec)((holds & (NAME(mask))yes) | (~holds & (NAME(mask))no));
}

/* The greatest of eight parts, the first of equal ones. */
TARGET INLINE double NAME(greatest)(const vec part[WIDEST / V])
{
    double p[WIDEST];
#pragma GCC unroll 8
    for (int v = 0; v < WIDEST / V; v++) STORE(p + v * V, part[v]);
    double greatest = p[0];
    for (int j = 1; j < WIDEST; j++) greatest = p[j] > greatest ? p[j] : greatest;
    return greatest;
}

/* The largest absolute entry; NaN where one is not finite. */
TARGET static double NAME(largest)(const double *x, int64_t entries)
{
    vec size[WIDEST / V], zero[WIDEST / V];
#pragma GCC unroll 8
    for (int v = 0; v < WIDEST / V; v++) size[v] = zero[v] = (vec){0};
    for (int64_t i = 0; i < entries; i += WIDEST)
#pragma GCC unroll 8
        for (int v = 0; v < WIDEST / V; v++) {
            const vec entry = LOAD(x + i + v * V), absolute = GREATER(entry, -entry);
            size[v] = GREATER(absolute, size[v]);
            zero[v] = zero[v] + SPLAT(0.0) * entry;
        }
    double p[WIDEST], none = 0.0;
#pragma GCC unroll 8
    for (int v = 0; v < WIDEST / V; v++) STORE(p + v * V, zero[v]);
    for (int j = 0; j < WIDEST; j++) none += p[j];
    return NAME(greatest)(size) + none;
}

TARGET static void NAME(scale)(double *x, int64_t entries, power_of_two by)
{
    for (int64_t i = 0; i < entries; i += V) STORE(x + i, LOAD(x + i) * SPLAT(by.half) * SPLAT(by.other));
}

/* Bring the largest entry to about 1; returns the exponent that it had. */
TARGET static int NAME(normalise)(double *x, int64_t entries)
{
    const double size = NAME(largest)(x, entries);
    if (!isfinite(size) || size == 0.0) return 0;
    const int exponent = exponent_of(size);
    NAME(scale)(x, entries, power_of(-exponent));
    return exponent;
}

/* The slopes a and the diagonal b at parameters θ and gradient g in β. */
TARGET static void NAME(differentiate)(const factored_loss *f, const double *theta, const double *g, double *a, double *b)
{
    const int64_t dims = f->dims, depth = f->depth;
    const vec first = SPLAT((double)depth), second = SPLAT((double)(depth * (depth - 1)));
    for (int64_t i = 0; i < dims; i += V) {
        const vec u = LOAD(theta + i), w = LOAD(theta + dims + i), gradient = LOAD(g + i);
        if (f->network == UV) {
            const vec v = LOAD(theta + 2 * dims + i), z = LOAD(theta + 3 * dims + i);
            STORE(a + i, ROOT(((u + v) * (u + v) + (w - z) * (w - z)) * SPLAT(0.5)));
            STORE(a + dims + i, ROOT(((u - v) * (u - v) + (w + z) * (w + z)) * SPLAT(0.5)));
            STORE(b + i, gradient);
            STORE(b + dims + i, -gradient);
        } else {
            const vec by_u = NAME(power)(u, depth - 2), by_w = NAME(power)(w, depth - 2);
            STORE(a + i, first * (by_u * u));
            STORE(a + dims + i, -(first * (by_w * w)));
            STORE(b + i, second * by_u * gradient);
            STORE(b + dims + i, -(second * by_w * gradient));
        }
    }
}

/* Rows of Q become the combinations of the first `count` of them whose weights are the rows of C. */
TARGET static void NAME(thin)(int kept, int count, double weights[KEPT][FULL], double *q, int64_t entries)
{
    for (int64_t i = 0; i < entries; i += V) {
        vec sum[KEPT];
        for (int k = 0; k < kept; k++) {
            sum[k] = (vec){0};
            for (int r = 0; r < count; r++) sum[k] = FMA(SPLAT(weights[k][r]), LOAD(q + r * entries + i), sum[k]);
        }
        for (int k = 0; k < kept; k++) STORE(q + k * entries + i, sum[k]);
    }
}

/* Ask for the product that a unit vector which is in its place is appended with: A·v. */
TARGET static void NAME(ask)(NAME(space) * s)
{
    const int64_t dims = s->f->dims;
    const double *const a = s->work + SLOPES * dims, *const v = s->work + BASIS * dims + s->size * s->entries;
    double *const moved = s->work + MOVED * dims;
    for (int64_t i = 0; i < dims; i += V)
        STORE(moved + i, FMA(LOAD(a + dims + i), LOAD(v + dims + i), LOAD(a + i) * LOAD(v + i)));
}

/* Append it with its image Hv, whose product FᵀFAv is in its place. */
TARGET static void NAME(append)(NAME(space) * s)
{
    const int64_t dims = s->f->dims;
    const double *const a = s->work + SLOPES * dims, *const b = s->work + DIAGONAL * dims;
    const double *const q = s->work + BASIS * dims, *const v = q + s->size * s->entries;
    const double *const gradient = s->work + GRADIENT * dims;
    double *const image = s->work + IMAGES * dims + s->size * s->entries;
    for (int64_t i = 0; i < dims; i += V) {
        const vec x = LOAD(gradient + i);
        STORE(image + i, FMA(LOAD(a + i), x, LOAD(b + i) * LOAD(v + i)));
        STORE(image + dims + i, FMA(LOAD(a + dims + i), x, LOAD(b + dims + i) * LOAD(v + dims + i)));
    }
    s->products++;
    s->size++;
    NAME(all_dots)(s->size, q, s->entries, image, s->projection[s->size - 1]);
}

/* The direction (σ − b)⁻¹∘(H − θ)v, or (H − θ)v itself where another pair is looked at, orthogonal to the space and of
 * length 1: whether there is one. */
TARGET static int NAME(aim)(NAME(space) * s)
{
    const int64_t entries = s->entries, dims = s->f->dims;
    const double *const residual = s->work + RESIDUAL * dims, *const b = s->work + DIAGONAL * dims;
    double *const q = s->work + BASIS * dims, *const direction = q + s->size * entries;
    const double above = s->top + SHIFT * (s->norm > 0 ? s->norm : 1.0), shift = s->value > above ? s->value : above;
    const vec divided = SPLAT(s->elsewhere ? 0.0 : 1.0), divisor = SPLAT(s->elsewhere ? 1.0 : shift);
    for (int64_t i = 0; i < entries; i += V)
        STORE(direction + i, LOAD(residual + i) / (divisor - divided * LOAD(b + i)));
    const double before = NAME(square)(direction, entries);
    double left = before, last;
    do {
        double weight[FULL];
        last = left;
        NAME(all_dots)(s->size, q, entries, direction, weight);
        for (int k = 0; k < s->size; k++) weight[k] = -weight[k];
        NAME(combine_all)(s->size, q, entries, weight, direction);
        left = NAME(square)(direction, entries);
        if (!(left > NEGLIGIBLE * NEGLIGIBLE * before)) return 0;
    } while (left < CANCELLED * CANCELLED * last);
    const vec by = SPLAT(1 / sqrt(left));
    for (int64_t i = 0; i < entries; i += V) STORE(direction + i, LOAD(direction + i) * by);
    return 1;
}

/* Hv − θv of a Ritz pair, and its norm. */
TARGET static double NAME(residual_of)(const NAME(space) * s, const double *vector, double value)
{
    const int64_t entries = s->entries, dims = s->f->dims;
    double *const residual = s->work + RESIDUAL * dims;
    double weight[FULL] = {0};
    for (int64_t i = 0; i < entries; i += V) STORE(residual + i, (vec){0});
    NAME(combine_all)(s->size, s->work + IMAGES * dims, entries, vector, residual);
    for (int k = 0; k < s->size; k++) weight[k] = -value * vector[k];
    NAME(combine_all)(s->size, s->work + BASIS * dims, entries, weight, residual);
    return sqrt(NAME(square)(residual, entries));
}

/* Of a full space the best Ritz vectors are left; `order` has the places of all, the best first. */
TARGET static void NAME(shrink)(NAME(space) * s, double vectors[FULL][FULL], const double *values, const int *order)
{
    const int kept = KEPT < s->size - 1 ? KEPT : s->size - 1;
    double weights[KEPT][FULL];
    for (int k = 0; k < kept; k++) {
        for (int i = 0; i < FULL; i++) {
            weights[k][i] = vectors[order[k]][i];
            s->projection[k][i] = 0.0;
        }
        s->projection[k][k] = values[order[k]];
    }
    NAME(thin)(kept, s->size, weights, s->work + BASIS * s->f->dims, s->entries);
    NAME(thin)(kept, s->size, weights, s->work + IMAGES * s->f->dims, s->entries);
    s->size = kept;
}

/* Rayleigh–Ritz: θ, and the residual where the space is to grow next; whether θ is settled.
 *
 * A coordinate whose slope has vanished is an eigenvector, and where its b is nearly the largest, the shifted inverse
 * brings it into the space before anything larger. So the best pair that is not nearly an eigenpair must show that it
 * stays below, by a residual that is less than its distance; else the space grows from that one. */
TARGET static int NAME(project)(NAME(space) * s)
{
    double vectors[FULL][FULL], values[FULL] = {0};
    int order[FULL] = {0};
    const int size = s->size;
    for (int i = 0; i < size; i++)
        for (int j = 0; j <= i; j++) vectors[i][j] = s->projection[i][j];
    NAME(spectrum)(size, vectors, values);
    double sum = 0.0;
    for (int i = 0; i < size; i++) {
        int place = i;
        sum += values[i];
        for (; place > 0 && values[i] > values[order[place - 1]]; place--) order[place] = order[place - 1];
        order[place] = i;
    }
    const int first = order[0];
    const double least = fabs(values[order[size - 1]]);
    s->value = isnan(sum) ? NAN : values[first];
    s->norm = least > fabs(s->value) ? least : fabs(s->value);
    s->elsewhere = 0;
    const double margin = s->f->tolerance * s->norm;
    if (NAME(residual_of)(s, vectors[first], s->value) <= margin && s->value >= s->top - margin) {
        if (s->value > s->top + CALM * s->norm) return 1;
        double left = 0.0;
        int other = 0;
        while (left <= CALM * s->norm && ++other < size)
            left = NAME(residual_of)(s, vectors[order[other]], values[order[other]]);
        if (other == size || left <= s->value - values[order[other]]) return 1;
        s->elsewhere = 1;
    }
    if (size == s->most) NAME(shrink)(s, vectors, values, order);
    return 0;
}

/* When Rayleigh–Ritz is done: always while the space is small, where a product costs more than a projection. */
INLINE int NAME(is_due)(const NAME(space) * s)
{
    return s->products <= 6 || s->elsewhere || s->size % 4 == 0 || s->size == s->most;
}

/* H − θ of the vector that was appended last. */
TARGET static void NAME(from_last)(const NAME(space) * s)
{
    const int64_t entries = s->entries, dims = s->f->dims, at = (s->size - 1) * entries;
    const double *const q = s->work + BASIS * dims + at, *const image = s->work + IMAGES * dims + at;
    double *const residual = s->work + RESIDUAL * dims;
    const vec value = SPLAT(s->value);
    for (int64_t i = 0; i < entries; i += V) STORE(residual + i, LOAD(image + i) - value * LOAD(q + i));
}

/* λ_max of a lane that has ended, from the largest eigenvalue that its search has found. */
INLINE double NAME(restored)(const NAME(space) * s, double found)
{
    const double largest = found > s->alone || isnan(found) ? found : s->alone;
    const double value = ldexp(largest, (int)(2 * (s->exponent + s->f->exponent)));
    return isfinite(value) ? value : NAN;
}

/* Let the space grow, to where it needs a product; 0 where it cannot, and λ_max is in `value`. */
TARGET static int NAME(grow)(NAME(space) * s)
{
    int found = NAME(aim)(s);
    if (!found && !s->elsewhere) {
        s->elsewhere = 1;
        found = NAME(aim)(s);
    }
    if (found) NAME(ask)(s);
    else {
        (void)NAME(project)(s);
        s->value = NAME(restored)(s, isnan(s->value) || s->value > s->top ? s->value : s->top);
    }
    return found;
}

/* Go on with a search from a product, to the next that it needs; 0 at its end, and λ_max is in `value`. */
TARGET static int NAME(search)(NAME(space) * s)
{
    NAME(append)(s);
    if (s->products == 1) {
        s->value = s->projection[0][0];
        s->norm = sqrt(NAME(square)(s->work + IMAGES * s->f->dims, s->entries));
        NAME(from_last)(s);
        return NAME(grow)(s);
    }
    if (!NAME(is_due)(s)) {
        NAME(from_last)(s);
        return NAME(grow)(s);
    }
    const int settled = NAME(project)(s);
    if (!isnan(s->value) && !settled && s->products < MOST_PRODUCTS) return NAME(grow)(s);
    s->value = NAME(restored)(s, isnan(s->value) || s->value > s->top ? s->value : s->top);
    return 0;
}

/* The start vector of a search for the largest eigenvalue of AᵀFᵀFA + diag(b), whose a and b are in place. */
TARGET static void NAME(start)(NAME(space) * s)
{
    const factored_loss *const f = s->f;
    const int64_t dims = f->dims, entries = s->entries;
    double *const q = s->work + BASIS * dims;
    const double *const a = s->work + SLOPES * dims;
    for (int64_t k = 0; k < 2; k++)
        for (int64_t i = 0; i < dims; i += V) STORE(q + k * dims + i, LOAD(a + k * dims + i) * LOAD(f->ones + i));
    const double guess = NAME(square)(q, entries);
    const double by = guess > 0 ? 1 / sqrt(guess) : 0.0;
    for (int64_t i = 0; i < entries; i += V) {
        const vec start = LOAD(q + i) * SPLAT(by) + LOAD(f->everywhere + i);
        STORE(q + i, NAME(select)(LOAD(a + i) != (vec){0}, start, (vec){0}));
    }
    const vec unit = SPLAT(1 / sqrt(NAME(square)(q, entries)));
    for (int64_t i = 0; i < entries; i += V) STORE(q + i, LOAD(q + i) * unit);
}

/* Begin with a lane of θ, (part, lane, dim), up to the gradient that it needs. */
TARGET static void NAME(begin)(NAME(space) * s, const double *theta, int64_t lane, int64_t lanes)
{
    const factored_loss *const f = s->f;
    double *const parts = s->work + PARTS_OF_THETA * f->dims;
    for (int64_t k = 0; k < (f->network == UV ? 4 : 2); k++) {
        double *const part = parts + k * f->dims;
        memcpy(part, theta + (k * lanes + lane) * f->dim, (size_t)f->dim * sizeof *part);
        for (int64_t i = f->dim; i < f->dims; i++) part[i] = 0.0;
    }
    NAME(predict)(f, parts, s->work + MOVED * f->dims);
    s->lane = lane;
    s->entries = 2 * f->dims;
    s->begun = s->size = s->products = s->elsewhere = 0;
    s->most = 2 * f->dim < FULL ? (int)(2 * f->dim) : FULL;
}

/* Which slopes are not so small that the coordinate is an eigenvector by itself. */
TARGET INLINE NAME(mask) NAME(is_searched)(vec slopes) { return GREATER(slopes, -slopes) > SPLAT(ALONE); }

/* Go on from the gradient, to the first product of the search; 0 where there is nothing to search, and λ_max is in
 * `value`. */
TARGET static int NAME(differentiated)(NAME(space) * s)
{
    const factored_loss *const f = s->f;
    const int64_t dims = f->dims, entries = s->entries;
    double *const theta = s->work + PARTS_OF_THETA * dims, *const g = s->work + GRADIENT * dims;
    double *const a = s->work + SLOPES * dims, *const b = s->work + DIAGONAL * dims;
    /* H is solved as H/4^e with entries of about 1: no square overflows or vanishes where H itself does not. */
    const int64_t of_theta = NAME(normalise)(theta, (f->network == UV ? 4 : 2) * dims), of_g = NAME(normalise)(g, dims);
    NAME(differentiate)(f, theta, g, a, b);
    const double slope = NAME(largest)(a, entries), second = NAME(largest)(b, entries);
    s->value = isfinite(slope + second) ? 0.0 : NAN;
    if (!isfinite(slope + second) || (slope == 0.0 && second == 0.0)) return 0;
    const int64_t raised_a = (f->depth - 1) * of_theta, raised_b = (f->depth - 2) * of_theta + of_g;
    const int64_t by_slope = slope > 0 ? exponent_of(slope) + raised_a : INT32_MIN;
    const int64_t by_second = second > 0 ? (exponent_of(second) + raised_b + 1) >> 1 : INT32_MIN;
    const int64_t e = by_slope > by_second ? by_slope : by_second;
    NAME(scale)(a, entries, power_of(raised_a - e));
    NAME(scale)(b, entries, power_of(raised_b - 2 * e));
    s->exponent = e;
    /* Entries of padding are neither searched nor eigenvectors. */
    for (int64_t i = f->dim; i < dims; i++) b[i] = b[dims + i] = -INFINITY;
    vec top[WIDEST / V], alone[WIDEST / V];
#pragma GCC unroll 8
    for (int v = 0; v < WIDEST / V; v++) top[v] = alone[v] = SPLAT(-INFINITY);
    for (int64_t i = 0; i < entries; i += WIDEST)
#pragma GCC unroll 8
        for (int v = 0; v < WIDEST / V; v++) {
            const vec x = LOAD(b + i + v * V), nothing = SPLAT(-INFINITY);
            const NAME(mask) searched = NAME(is_searched)(LOAD(a + i + v * V));
            top[v] = GREATER(NAME(select)(searched, x, nothing), top[v]);
            alone[v] = GREATER(NAME(select)(searched, nothing, x), alone[v]);
        }
    s->top = NAME(greatest)(top);
    s->alone = NAME(greatest)(alone);
    if (!(s->top > -INFINITY)) {
        s->value = NAME(restored)(s, s->alone);
        return 0;
    }
    /* Entries that stay zero: those of padding and of coordinates that are eigenvectors by themselves. */
    for (int64_t i = 0; i < entries; i += V) {
        const vec slopes = LOAD(a + i);
        const NAME(mask) searched = NAME(is_searched)(slopes);
        STORE(a + i, NAME(select)(searched, slopes, (vec){0}));
        STORE(b + i, NAME(select)(searched, LOAD(b + i), SPLAT(s->top)));
    }
    s->begun = 1;
    NAME(start)(s);
    NAME(ask)(s);
    return 1;
}

/* The sharpness at all lanes of θ, (part, lane, dim). Several are looked at together, so that their products read F
 * together; one that has ended makes place for the next. */
TARGET static void NAME(sharpness)(const factored_loss *f, const double *theta, int64_t lanes, double *out)
{
    NAME(space) spaces[NAME(TOGETHER)], *at_work[NAME(TOGETHER)];
    int64_t next = 0;
    int count = 0;
    for (; next < lanes && count < NAME(TOGETHER); count++, next++) {
        spaces[count].f = f;
        spaces[count].work = f->work + count * WORK * f->dims;
        at_work[count] = spaces + count;
        NAME(begin)(at_work[count], theta, next, lanes);
    }
    while (count) {
        NAME(multiply)(count, at_work);
        for (int place = 0; place < count; place++) {
            NAME(space) *const s = at_work[place];
            if (s->begun ? NAME(search)(s) : NAME(differentiated)(s)) continue;
            out[s->lane] = s->value;
            if (next < lanes) NAME(begin)(s, theta, next++, lanes);
            else at_work[place--] = at_work[--count];
        }
    }
}

#undef BY_ROWS
