/* The sharpness at one state, for one instruction set: the body that sharpness.c gives to isa.h. */
#include "small_spectrum.h"
#include "vectors.h"

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

/* out = Fᵀ(Fx − t), the gradient of ‖Fx − t‖²/2, with t = 0 where `target` is NULL: one pass over F. */
TARGET static void NAME(gradient)(const factored_loss *f, const double *x, const double *target, double *out)
{
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

TARGET static void NAME(predict)(const factored_loss *f, const double *theta, double *beta)
{
    const int64_t dims = f->dims;
    for (int64_t i = 0; i < dims; i += V) {
        const vec p = LOAD(theta + i), m = LOAD(theta + dims + i);
        STORE(beta + i, f->network == UV ? p * LOAD(theta + 2 * dims + i) - m * LOAD(theta + 3 * dims + i)
                                         : NAME(power)(p, f->depth) - NAME(power)(m, f->depth));
    }
}

/* The largest absolute entry; NaN where one is not finite. */
TARGET static double NAME(largest)(const double *x, int64_t entries)
{
    double size[WIDEST] = {0}, zero[WIDEST] = {0};
    for (int64_t i = 0; i < entries; i += WIDEST)
        for (int j = 0; j < WIDEST; j++) {
            const double absolute = fabs(x[i + j]);
            size[j] = absolute > size[j] ? absolute : size[j];
            zero[j] += 0.0 * absolute;
        }
    double largest = size[0] + zero[0];
    for (int j = 1; j < WIDEST; j++) largest = (size[j] > largest ? size[j] : largest) + zero[j];
    return largest;
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

/* image = H·v. */
TARGET static void NAME(apply)(const factored_loss *f, const double *v, double *image)
{
    const int64_t dims = f->dims;
    const double *const a = f->work + SLOPES * dims, *const b = f->work + DIAGONAL * dims;
    double *const moved = f->work + MOVED * dims, *const gradient = f->work + GRADIENT * dims;
    for (int64_t i = 0; i < dims; i += V)
        STORE(moved + i, FMA(LOAD(a + dims + i), LOAD(v + dims + i), LOAD(a + i) * LOAD(v + i)));
    NAME(gradient)(f, moved, NULL, gradient);
    for (int64_t i = 0; i < dims; i += V) {
        const vec x = LOAD(gradient + i);
        STORE(image + i, FMA(LOAD(a + i), x, LOAD(b + i) * LOAD(v + i)));
        STORE(image + dims + i, FMA(LOAD(a + dims + i), x, LOAD(b + dims + i) * LOAD(v + dims + i)));
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

/* The space of one lane: Q orthonormal, `projection` = QHQᵀ in its lower triangle, `value` the Ritz value θ, `norm` an
 * estimate of ‖H‖, `top` max b; `elsewhere`: the space is to grow from another pair than the best. */
typedef struct {
    const factored_loss *f;
    int64_t entries;
    int size, most, products, elsewhere;
    double projection[FULL][FULL], value, norm, top;
} NAME(space);

/* Append a unit vector that is in its place. */
TARGET static void NAME(append)(NAME(space) * s)
{
    const double *const q = s->f->work + BASIS * s->f->dims;
    double *const image = s->f->work + IMAGES * s->f->dims + s->size * s->entries;
    NAME(apply)(s->f, q + s->size * s->entries, image);
    s->products++;
    s->size++;
    NAME(all_dots)(s->size, q, s->entries, image, s->projection[s->size - 1]);
}

/* The direction (σ − b)⁻¹∘(H − θ)v, or (H − θ)v itself where another pair is looked at, orthogonal to the space and of
 * length 1: whether there is one. */
TARGET static int NAME(aim)(NAME(space) * s)
{
    const int64_t entries = s->entries, dims = s->f->dims;
    const double *const residual = s->f->work + RESIDUAL * dims, *const b = s->f->work + DIAGONAL * dims;
    double *const q = s->f->work + BASIS * dims, *const direction = q + s->size * entries;
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
    double *const residual = s->f->work + RESIDUAL * dims;
    double weight[FULL] = {0};
    for (int64_t i = 0; i < entries; i += V) STORE(residual + i, (vec){0});
    NAME(combine_all)(s->size, s->f->work + IMAGES * dims, entries, vector, residual);
    for (int k = 0; k < s->size; k++) weight[k] = -value * vector[k];
    NAME(combine_all)(s->size, s->f->work + BASIS * dims, entries, weight, residual);
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
    NAME(thin)(kept, s->size, weights, s->f->work + BASIS * s->f->dims, s->entries);
    NAME(thin)(kept, s->size, weights, s->f->work + IMAGES * s->f->dims, s->entries);
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
    const double *const q = s->f->work + BASIS * dims + at, *const image = s->f->work + IMAGES * dims + at;
    double *const residual = s->f->work + RESIDUAL * dims;
    const vec value = SPLAT(s->value);
    for (int64_t i = 0; i < entries; i += V) STORE(residual + i, LOAD(image + i) - value * LOAD(q + i));
}

/* The largest eigenvalue of AᵀFᵀFA + diag(b), whose a and b are in place; `top` is max b, below which it cannot be. */
TARGET static double NAME(search)(const factored_loss *f, double top)
{
    const int64_t dims = f->dims, entries = 2 * dims;
    double *const q = f->work + BASIS * dims;
    const double *const a = f->work + SLOPES * dims, *const image = f->work + IMAGES * dims;
    NAME(space) s;
    s.f = f;
    s.entries = entries;
    s.size = s.products = s.elsewhere = 0;
    s.most = 2 * f->dim < FULL ? (int)(2 * f->dim) : FULL;
    s.top = top;
    for (int64_t k = 0; k < 2; k++)
        for (int64_t i = 0; i < dims; i += V) STORE(q + k * dims + i, LOAD(a + k * dims + i) * LOAD(f->ones + i));
    const double guess = NAME(square)(q, entries);
    const double by = guess > 0 ? 1 / sqrt(guess) : 0.0;
    for (int64_t i = 0; i < entries; i++) {
        const double start = q[i] * by + f->everywhere[i];
        q[i] = a[i] != 0.0 ? start : 0.0;
    }
    const vec unit = SPLAT(1 / sqrt(NAME(square)(q, entries)));
    for (int64_t i = 0; i < entries; i += V) STORE(q + i, LOAD(q + i) * unit);
    NAME(append)(&s);
    s.value = s.projection[0][0];
    s.norm = sqrt(NAME(square)(image, entries));
    NAME(from_last)(&s);
    for (;;) {
        int invariant = !NAME(aim)(&s);
        if (invariant && !s.elsewhere) {
            s.elsewhere = 1;
            invariant = !NAME(aim)(&s);
        }
        if (!invariant) NAME(append)(&s);
        if (!invariant && !NAME(is_due)(&s)) {
            NAME(from_last)(&s);
            continue;
        }
        const int settled = NAME(project)(&s);
        if (isnan(s.value)) return NAN;
        if (settled || invariant || s.products >= MOST_PRODUCTS) return s.value > top ? s.value : top;
    }
}

/* The sharpness at the state whose parts are in place. */
TARGET static double NAME(sharpness)(const factored_loss *f)
{
    const int64_t dims = f->dims, entries = 2 * dims;
    double *const theta = f->work + PARTS_OF_THETA * dims, *const beta = f->work + MOVED * dims;
    double *const g = f->work + GRADIENT * dims, *const a = f->work + SLOPES * dims, *const b = f->work + DIAGONAL * dims;
    NAME(predict)(f, theta, beta);
    NAME(gradient)(f, beta, f->target, g);
    /* H is solved as H/4^e with entries of about 1: no square overflows or vanishes where H itself does not. */
    const int64_t of_theta = NAME(normalise)(theta, (f->network == UV ? 4 : 2) * dims), of_g = NAME(normalise)(g, dims);
    NAME(differentiate)(f, theta, g, a, b);
    const double slope = NAME(largest)(a, entries), second = NAME(largest)(b, entries);
    if (!isfinite(slope + second)) return NAN;
    if (slope == 0.0 && second == 0.0) return 0.0;
    const int64_t raised_a = (f->depth - 1) * of_theta, raised_b = (f->depth - 2) * of_theta + of_g;
    const int64_t by_slope = slope > 0 ? exponent_of(slope) + raised_a : INT32_MIN;
    const int64_t by_second = second > 0 ? (exponent_of(second) + raised_b + 1) >> 1 : INT32_MIN;
    const int64_t e = by_slope > by_second ? by_slope : by_second;
    NAME(scale)(a, entries, power_of(raised_a - e));
    NAME(scale)(b, entries, power_of(raised_b - 2 * e));
    double top = -INFINITY, alone = -INFINITY;
    for (int64_t k = 0; k < 2; k++)
        for (int64_t i = k * dims; i < k * dims + f->dim; i++)
            if (fabs(a[i]) > ALONE) top = b[i] > top ? b[i] : top;
            else alone = b[i] > alone ? b[i] : alone;
    double largest = alone;
    if (top > -INFINITY) {
        /* Entries that stay zero: those of padding and of coordinates that are eigenvectors by themselves. */
        for (int64_t k = 0; k < 2; k++)
            for (int64_t i = k * dims; i < (k + 1) * dims; i++)
                if (i >= k * dims + f->dim || !(fabs(a[i]) > ALONE)) {
                    a[i] = 0.0;
                    b[i] = top;
                }
        const double found = NAME(search)(f, top);
        largest = found > alone || isnan(found) ? found : alone;
    }
    largest = ldexp(largest, (int)(2 * (e + f->exponent)));
    return isfinite(largest) ? largest : NAN;
}

#undef BY_ROWS
