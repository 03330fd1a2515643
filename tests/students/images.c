/*
 * A student written by skdistill.
 *
 * int student(const double *x, double *proba)
 *
 * returns the index of the most probable class, or -1 if a value is infinite.
 * It writes 2 probabilities:
 *   proba[0]: false
 *   proba[1]: true
 * x holds 4 values; a missing value is NAN:
 *   x[0]: "x0"
 *   x[1]: "x1"
 *   x[2]: "x2"
 *   x[3]: "x3"
 */
#include <math.h>

static const long number_columns[4] = {
    0, 1, 2, 3
};

static const double center[4] = {
    -1.0029922335155801e+00, -7.3096973074639593e-01, -7.8865906766322924e-01, -9.3372553634438626e-01
};

static const double inverse_scale[4] = {
    3.7213352431447827e-01, 4.8850939844142038e-01, 2.9113781110770454e-01, 3.5845098471526504e-01
};

static const float weight0[32] = {
    3.22021484e-01f, -2.96875000e-01f, 3.35937500e-01f, 8.46557617e-02f, -1.37939453e-01f, 4.58496094e-01f, 3.81591797e-01f, 3.78417969e-01f,
    -4.79980469e-01f, -3.66455078e-01f, -2.34619141e-01f, 2.93701172e-01f, -6.18896484e-02f, 3.85742188e-01f, 5.39550781e-02f, 1.82739258e-01f,
    -2.70263672e-01f, -5.25390625e-01f, 5.31738281e-01f, 5.61035156e-01f, 1.59057617e-01f, 4.81445312e-01f, -3.42529297e-01f, -3.05908203e-01f,
    4.05029297e-01f, -5.30761719e-01f, -1.53198242e-01f, 2.42675781e-01f, -1.14624023e-01f, -3.23486328e-01f, -1.11267090e-01f, 4.11865234e-01f
};

static const float bias0[8] = {
    5.00685871e-01f, -2.92897597e-02f, 1.71347961e-01f, 4.12430346e-01f, -4.32292491e-01f, 2.50729322e-01f, 5.47025084e-01f, 4.00802433e-01f
};

static const float weight1[16] = {
    3.05175781e-01f, 1.08337402e-02f, 2.46826172e-01f, 2.46948242e-01f, 2.82958984e-01f, -2.88085938e-01f, 9.68627930e-02f, -7.00073242e-02f,
    -2.48901367e-01f, 3.33251953e-01f, -3.04199219e-01f, -1.96533203e-01f, 2.01904297e-01f, 1.01135254e-01f, 5.57250977e-02f, 1.84936523e-01f
};

static const float bias1[2] = {
    3.38590413e-01f, 1.74369246e-01f
};

int student(const double *x, double *proba)
{
    float a[8], b[8], *h = a;
    double number[4], total = 0.0;
    long i, j, k, best = 0;
    (void)h; (void)k; (void)number;

    for (j = 0; j < 4; j++)
        if (isinf(x[j]))
            return -1;

    for (i = 0; i < 4; i++) {
        double value = x[number_columns[i]], scaled;
        number[i] = isnan(value) ? center[i] : fmin(fmax(value, -1e100), 1e100);
        scaled = (number[i] - center[i]) * inverse_scale[i];
        *h++ = (float)(scaled / sqrt(1.0 + (scaled / 3.0) * (scaled / 3.0)));
    }

    for (j = 0; j < 8; j++)
        b[j] = bias0[j];
    for (i = 0; i < 4; i++) {
        const float *row = weight0 + i * 8, input = a[i];
        if (input != 0.0f)
            for (j = 0; j < 8; j++)
                b[j] += input * row[j];
    }

    for (j = 0; j < 8; j++)
        b[j] = b[j] > 0.0f ? b[j] : 0.0f;

    for (j = 0; j < 2; j++)
        a[j] = bias1[j];
    for (i = 0; i < 8; i++) {
        const float *row = weight1 + i * 2, input = b[i];
        if (input != 0.0f)
            for (j = 0; j < 2; j++)
                a[j] += input * row[j];
    }

    for (j = 1; j < 2; j++)
        if (a[j] > a[best])
            best = j;
    for (j = 0; j < 2; j++)
        total += proba[j] = exp((double)a[j] - (double)a[best]);
    for (j = 0; j < 2; j++)
        proba[j] /= total;
    return (int)best;
}
