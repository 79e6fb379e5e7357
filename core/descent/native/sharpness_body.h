/* The sharpness at one state, for one instruction set: included by sharpness.c with ISA, V (doubles of a vector),
 * TARGET, FMA, SPLAT and ROOT. */

#define vec NAME(vec)
typedef double vec __attribute__((vector_size(V * 8), aligned(8), may_alias));

#define LOAD(p) (*(const vec *)(p))
#define STORE(p, v) (*(vec *)(p) = (v))

/* The sum of eight parts, in the order ((0 + 4) + (2 + 6)) + ((1 + 5) + (3 + 7)). */
TARGET INLINE double NAME(total)(const vec part[WIDEST / V])
{
    double p[WIDEST];
#pragma GCC unroll 8
    for (int v = 0; v < WIDEST / V; v++) STORE(p + v * V, part[v]);
    return ((p[0] + p[4]) + (p[2] + p[6])) + ((p[1] + p[5]) + (p[3] + p[7]));
}

/* ⟨row r of M, x⟩ over columns from ≤ i < to of `rows` rows; a constant where this is inlined. */
TARGET INLINE void NAME(dots)(const int rows, const double *m, int64_t stride, const double *x, int64_t from, int64_t to,
                              double *out)
{
    vec sum[ROWS][WIDEST / V];
#pragma GCC unroll 8
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 8
        for (int v = 0; v < WIDEST / V; v++) sum[r][v] = (vec){0};
    for (int64_t i = from; i < to; i += WIDEST)
#pragma GCC unroll 8
        for (int v = 0; v < WIDEST / V; v++) {
            const vec entry = LOAD(x + i + v * V);
#pragma GCC unroll 8
            for (int r = 0; r < rows; r++) sum[r][v] = FMA(LOAD(m + r * stride + i + v * V), entry, sum[r][v]);
        }
#pragma GCC unroll 8
    for (int r = 0; r < rows; r++) out[r] = NAME(total)(sum[r]);
}

/* out += Σ_r weight_r · row r of M, r ascending. */
TARGET INLINE void NAME(combine)(const int rows, const double *m, int64_t stride, const double *weight, int64_t from,
                                 int64_t to, double *out)
{
    vec w[2 * ROWS];
#pragma GCC unroll 8
    for (int r = 0; r < rows; r++) w[r] = SPLAT(weight[r]);
    for (int64_t i = from; i < to; i += V) {
        vec sum = LOAD(out + i);
#pragma GCC unroll 8
        for (int r = 0; r < rows; r++) sum = FMA(w[r], LOAD(m + r * stride + i), sum);
        STORE(out + i, sum);
    }
}

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

TARGET INLINE double NAME(square)(const double *x, int64_t entries)
{
    double square;
    NAME(dots)(1, x, entries, x, 0, entries, &square);
    return square;
}

/* out = Fᵀ(Fx − t), with t = 0 where `target` is NULL: one pass over F. */
TARGET static void NAME(pull)(const factored_loss *f, const double *x, const double *target, double *out)
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

/* u^exponent for exponent ≥ 0 by repeated squaring from its leading bit. */
TARGET INLINE vec NAME(raised)(vec u, int64_t exponent)
{
    vec result = u;
    int64_t bit = 1;
    if (!exponent) return SPLAT(1.0);
    while (bit * 2 <= exponent) bit *= 2;
    for (bit /= 2; bit; bit /= 2) {
        result = result * result;
        if (exponent & bit) result = result * u;
    }
    return result;
}

TARGET static void NAME(predict)(const factored_loss *f, const double *theta, double *beta)
{
    const int64_t dims = f->dims;
    for (int64_t i = 0; i < dims; i += V) {
        const vec p = LOAD(theta + i), m = LOAD(theta + dims + i);
        STORE(beta + i, f->network == UV ? p * LOAD(theta + 2 * dims + i) - m * LOAD(theta + 3 * dims + i)
                                         : NAME(raised)(p, f->depth) - NAME(raised)(m, f->depth));
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
            const vec by_u = NAME(raised)(u, depth - 2), by_w = NAME(raised)(w, depth - 2);
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
    double *const moved = f->work + MOVED * dims, *const pulled = f->work + PULLED * dims;
    for (int64_t i = 0; i < dims; i += V)
        STORE(moved + i, FMA(LOAD(a + dims + i), LOAD(v + dims + i), LOAD(a + i) * LOAD(v + i)));
    NAME(pull)(f, moved, NULL, pulled);
    for (int64_t i = 0; i < dims; i += V) {
        const vec x = LOAD(pulled + i);
        STORE(image + i, FMA(LOAD(a + i), x, LOAD(b + i) * LOAD(v + i)));
        STORE(image + dims + i, FMA(LOAD(a + dims + i), x, LOAD(b + dims + i) * LOAD(v + dims + i)));
    }
}

/* The whole spectrum of the leading n × n block of a symmetric matrix: Householder's tridiagonal form and the implicit
 * QL method. On return `value` has the eigenvalues in no order, and row k of `matrix` is the eigenvector of value k. */
TARGET static void NAME(spectrum)(int n, double matrix[FULL][FULL], double *value)
{
    double below[FULL], reflector[FULL][FULL], factor[FULL];
    /* Column by column from the first: H = I − factor·h·hᵀ on what is below. */
    for (int k = 0; k + 2 < n; k++) {
        double *const h = reflector[k];
        double square = 0.0, image[FULL], inner = 0.0;
        for (int i = k + 2; i < n; i++) square += matrix[i][k] * matrix[i][k];
        below[k] = matrix[k + 1][k];
        factor[k] = 0.0;
        if (square == 0.0) continue;
        const double first = matrix[k + 1][k], length = sqrt(first * first + square);
        below[k] = first > 0 ? -length : length;
        for (int i = k + 1; i < n; i++) h[i] = matrix[i][k];
        h[k + 1] = first - below[k];
        factor[k] = 2 / (h[k + 1] * h[k + 1] + square);
        for (int i = k + 1; i < n; i++) {
            double sum = 0.0;
            for (int j = k + 1; j <= i; j++) sum += matrix[i][j] * h[j];
            for (int j = i + 1; j < n; j++) sum += matrix[j][i] * h[j];
            image[i] = factor[k] * sum;
            inner += image[i] * h[i];
        }
        for (int i = k + 1; i < n; i++) image[i] -= 0.5 * factor[k] * inner * h[i];
        for (int i = k + 1; i < n; i++)
            for (int j = k + 1; j <= i; j++) matrix[i][j] -= h[i] * image[j] + image[i] * h[j];
    }
    if (n > 1) below[n - 2] = matrix[n - 1][n - 2];
    for (int i = 0; i < n; i++) value[i] = matrix[i][i];
    /* Rows of `matrix` become those of the transposed product of the reflections. */
    for (int i = 0; i < n; i++)
        for (int j = 0; j < FULL; j++) matrix[i][j] = i == j;
    for (int k = n - 3; k >= 0; k--) {
        const double *const h = reflector[k];
        if (factor[k] == 0.0) continue;
        for (int i = k + 1; i < n; i++) {
            double sum = 0.0;
            for (int j = k + 1; j < n; j++) sum += matrix[i][j] * h[j];
            sum *= factor[k];
            for (int j = k + 1; j < n; j++) matrix[i][j] -= sum * h[j];
        }
    }
    for (int l = 0; l < n; l++)
        for (int sweep = 0; sweep < MOST_SWEEPS; sweep++) {
            int m = l;
            while (m + 1 < n && fabs(below[m]) > DBL_EPSILON * (fabs(value[m]) + fabs(value[m + 1]))) m++;
            if (m == l) break;
            /* Wilkinson's shift, and a bulge that is chased from m up to l. */
            const double slope = (value[l + 1] - value[l]) / (2 * below[l]), root = sqrt(slope * slope + 1);
            double g = value[m] - value[l] + below[l] / (slope + (slope < 0 ? -root : root));
            double sine = 1.0, cosine = 1.0, taken = 0.0;
            int i;
            for (i = m - 1; i >= l; i--) {
                const double f = sine * below[i], b = cosine * below[i], r = sqrt(f * f + g * g);
                below[i + 1] = r;
                if (r == 0.0) {
                    value[i + 1] -= taken;
                    below[m] = 0.0;
                    break;
                }
                const double inverse = 1 / r;
                sine = f * inverse;
                cosine = g * inverse;
                g = value[i + 1] - taken;
                const double t = (value[i] - g) * sine + 2 * cosine * b;
                taken = sine * t;
                value[i + 1] = g + taken;
                g = cosine * t - b;
                for (int j = 0; j < FULL; j++) {
                    const double upper = matrix[i][j], lower = matrix[i + 1][j];
                    matrix[i + 1][j] = sine * upper + cosine * lower;
                    matrix[i][j] = cosine * upper - sine * lower;
                }
            }
            if (i >= l) continue;
            value[l] -= taken;
            below[l] = g;
            below[m] = 0.0;
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
    double *const g = f->work + PULLED * dims, *const a = f->work + SLOPES * dims, *const b = f->work + DIAGONAL * dims;
    NAME(predict)(f, theta, beta);
    NAME(pull)(f, beta, f->target, g);
    /* H is solved as H/4^e with entries of about 1: no square overflows or vanishes where H itself does not. */
    const int64_t of_theta = NAME(normalise)(theta, (f->network == UV ? 4 : 2) * dims), of_g = NAME(normalise)(g, dims);
    NAME(differentiate)(f, theta, g, a, b);
    const double slope = NAME(largest)(a, entries), bend = NAME(largest)(b, entries);
    if (!isfinite(slope + bend)) return NAN;
    if (slope == 0.0 && bend == 0.0) return 0.0;
    const int64_t raised_a = (f->depth - 1) * of_theta, raised_b = (f->depth - 2) * of_theta + of_g;
    const int64_t by_slope = slope > 0 ? exponent_of(slope) + raised_a : INT32_MIN;
    const int64_t by_bend = bend > 0 ? (exponent_of(bend) + raised_b + 1) >> 1 : INT32_MIN;
    const int64_t e = by_slope > by_bend ? by_slope : by_bend;
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

#undef vec
#undef LOAD
#undef STORE
#undef BY_ROWS
#undef ISA
#undef V
#undef TARGET
#undef FMA
#undef SPLAT
#undef ROOT
