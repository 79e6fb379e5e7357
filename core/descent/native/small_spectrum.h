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
