/*
 * A student written by skdistill.
 *
 * int student(const double *x, double *proba)
 *
 * returns the index of the most probable class, or -1 if a value is infinite.
 * It writes 2 probabilities:
 *   proba[0]: "no"
 *   proba[1]: "yes"
 * x holds 4 values; a missing value is NAN:
 *   x[0]: "age"
 *   x[1]: "children"
 *   x[2]: "city"
 *     0: "Lima"
 *     1: "Oslo"
 *     2: "Rome"
 *   x[3]: "member"
 */
#include <math.h>

static const long number_columns[3] = {
    0, 1, 3
};

static const double center[3] = {
    4.0549102207617352e+01, 1.5000000000000000e+00, 5.0000000000000000e-01
};

static const double inverse_scale[3] = {
    5.7175230835417777e-02, 3.3333333333333331e-01, 1.0000000000000000e+00
};

static const long missing_columns[1] = {
    0
};

static const float periodic_frequency[8] = {
    -1.37711966e+00f, 8.37158322e-01f, 1.06040549e+00f, 6.14290178e-01f, -8.65345240e-01f, -1.17607212e+00f, -1.99723497e-01f, -2.63272703e-01f
};

static const float periodic_phase[8] = {
    2.24195361e+00f, -3.49292964e-01f, -3.65634060e+00f, -2.50682211e+00f, 2.04068422e+00f, -9.82495725e-01f, 3.09912562e+00f, -6.42804980e-01f
};

static const float periodic_weight[24] = {
    1.22105926e-01f, -1.01056919e-01f, -1.09701253e-01f, 1.49634689e-01f, 3.21087033e-01f, -2.74371356e-01f, -2.60075510e-01f, 4.24998432e-01f,
    4.75730091e-01f, 4.05357808e-01f, 2.05307584e-02f, -2.38156840e-01f, 1.16045825e-01f, -3.59827071e-01f, -1.51143879e-01f, -1.98114708e-01f,
    3.51600051e-01f, 1.48795709e-01f, 1.94036648e-01f, 2.63437718e-01f, -3.60191405e-01f, -2.00251266e-01f, 1.56318426e-01f, 4.22514826e-02f
};

static const long category_columns[1] = {
    2
};

static const long n_codes[1] = {
    4
};

static const double category_values[3] = {
    0.0000000000000000e+00, 1.0000000000000000e+00, 2.0000000000000000e+00
};

static const float category_embedding[32] = {
    3.99069071e-01f, 2.63394937e-02f, 2.23217756e-01f, 2.29056552e-01f, 3.35166872e-01f, 1.58814281e-01f, -1.97375044e-01f, -3.45048428e-01f,
    7.53092542e-02f, 2.02469096e-01f, -4.82198060e-01f, -2.63835698e-01f, -2.24364415e-01f, -6.31137252e-01f, -5.17809570e-01f, -5.05347192e-01f,
    2.72010833e-01f, 4.01368231e-01f, 2.52209604e-01f, 3.26468557e-01f, 4.01510537e-01f, 2.12391436e-01f, -3.53442967e-01f, -2.70618737e-01f,
    5.11609092e-02f, -5.87947480e-02f, 5.51902466e-02f, 2.42749490e-02f, 3.66068520e-02f, 5.91981933e-02f, 1.92898996e-02f, -6.20773286e-02f
};

static const float weight0[144] = {
    -1.05590820e-02f, 1.44165039e-01f, -1.28540039e-01f, -2.83691406e-01f, -2.26287842e-02f, -2.19726562e-01f, -1.38092041e-02f, -7.02514648e-02f,
    -1.10107422e-01f, 8.69140625e-02f, 1.15356445e-01f, -2.32666016e-01f, -2.57492065e-03f, 2.13745117e-01f, -1.21154785e-01f, 9.94873047e-02f,
    2.14599609e-01f, 6.96411133e-02f, 1.08703613e-01f, -1.66870117e-01f, 3.44848633e-02f, -1.04431152e-01f, 1.80297852e-01f, -1.66931152e-02f,
    1.64306641e-01f, -2.24243164e-01f, 2.47070312e-01f, -7.32421875e-03f, -2.96325684e-02f, -3.22265625e-02f, -7.55615234e-02f, 2.88330078e-01f,
    2.25982666e-02f, 2.06542969e-01f, 1.35009766e-01f, -1.90795898e-01f, -2.27539062e-01f, -2.53906250e-02f, 7.93457031e-02f, -8.95996094e-02f,
    -1.21154785e-01f, -6.40258789e-02f, -2.63671875e-01f, 1.68579102e-01f, -1.99707031e-01f, 1.19628906e-01f, -6.41479492e-02f, -1.05590820e-01f,
    7.36694336e-02f, -2.76855469e-01f, 1.56616211e-01f, 2.23876953e-01f, -1.40747070e-01f, -1.58691406e-01f, 2.40234375e-01f, -5.92041016e-02f,
    6.75659180e-02f, -1.52343750e-01f, -8.36181641e-02f, -6.35986328e-02f, 2.24731445e-01f, -7.60498047e-02f, 8.68530273e-02f, 6.75659180e-02f,
    -1.31958008e-01f, -3.98864746e-02f, -7.76367188e-02f, 2.05322266e-01f, -2.07641602e-01f, -1.86279297e-01f, -1.28662109e-01f, 1.64916992e-01f,
    1.97219849e-03f, 1.19689941e-01f, -2.22900391e-01f, 1.80664062e-01f, 2.11334229e-02f, 6.91528320e-02f, -9.32617188e-02f, 1.41845703e-01f,
    -1.31469727e-01f, 5.81359863e-02f, -2.28149414e-01f, 3.15551758e-02f, 9.21630859e-02f, -1.61010742e-01f, -9.88769531e-02f, -2.30834961e-01f,
    5.08117676e-02f, -1.04248047e-01f, 1.83471680e-01f, 4.66537476e-03f, -1.79443359e-01f, 1.49291992e-01f, -1.79443359e-01f, 1.79565430e-01f,
    -1.34033203e-01f, 2.62695312e-01f, -4.34875488e-02f, -1.92626953e-01f, 1.03576660e-01f, -1.91040039e-01f, -1.38015747e-02f, -8.24584961e-02f,
    -6.34765625e-02f, 2.10693359e-01f, 1.28173828e-01f, 5.95397949e-02f, 4.80651855e-02f, -1.68212891e-01f, 2.59246826e-02f, -2.70996094e-01f,
    1.54541016e-01f, 7.12280273e-02f, 1.60400391e-01f, -1.68823242e-01f, -6.59942627e-03f, -2.58064270e-03f, 1.55639648e-01f, -2.77832031e-01f,
    -1.47827148e-01f, 2.61962891e-01f, -9.33837891e-02f, -3.61633301e-02f, 1.04248047e-01f, 8.83789062e-02f, 4.79736328e-02f, -2.53417969e-01f,
    2.06787109e-01f, -1.10839844e-01f, -1.49780273e-01f, -1.73706055e-01f, -2.21801758e-01f, 1.81762695e-01f, -8.95385742e-02f, -2.22045898e-01f,
    2.14843750e-01f, -9.92431641e-02f, 5.52368164e-02f, 1.14562988e-01f, -5.16052246e-02f, 1.04553223e-01f, -1.00219727e-01f, -1.50756836e-01f
};

static const float bias0[8] = {
    -3.09656590e-01f, 3.23277831e-01f, -3.09181571e-01f, 2.64621675e-01f, -3.85541618e-01f, 1.87062189e-01f, -1.90831184e-01f, 8.93190783e-03f
};

static const float weight1[16] = {
    -6.57348633e-02f, -2.76489258e-02f, -1.13525391e-01f, 3.82080078e-01f, -3.10791016e-01f, -2.31811523e-01f, 2.99072266e-01f, -3.22021484e-01f,
    -1.37573242e-01f, -8.58764648e-02f, -3.76586914e-02f, -1.24694824e-01f, -2.95898438e-01f, -4.37316895e-02f, 5.36499023e-02f, -2.03613281e-01f
};

static const float bias1[2] = {
    2.58885045e-02f, 8.39982703e-02f
};

int student(const double *x, double *proba)
{
    float a[18], b[18], *h = a;
    double number[3], total = 0.0;
    long i, j, k, best = 0;
    (void)h; (void)k; (void)number;

    for (j = 0; j < 4; j++)
        if (isinf(x[j]))
            return -1;

    for (i = 0; i < 3; i++) {
        double value = x[number_columns[i]], scaled;
        number[i] = isnan(value) ? center[i] : fmin(fmax(value, -1e100), 1e100);
        scaled = (number[i] - center[i]) * inverse_scale[i];
        *h++ = (float)(scaled / sqrt(1.0 + (scaled / 3.0) * (scaled / 3.0)));
    }

    for (i = 0; i < 1; i++)
        *h++ = isnan(x[number_columns[missing_columns[i]]]) ? 1.0f : 0.0f;

    for (i = 0; i < 2; i++) {
        for (k = 0; k < 3; k++)
            h[k] = 0.0f;
        for (j = 0; j < 4; j++) {
            long at = i * 4 + j;
            float cosine = cosf(a[i] * periodic_frequency[at] + periodic_phase[at]);
            for (k = 0; k < 3; k++)
                h[k] += cosine * periodic_weight[at * 3 + k];
        }
        h += 3;
    }

    {
        const double *value = category_values;
        const float *embedding = category_embedding;
        for (i = 0; i < 1; i++) {
            long n_categories = n_codes[i] - 1, code = n_categories; /* missing and unseen */
            for (j = 0; j < n_categories; j++)
                if (x[category_columns[i]] == value[j])
                    code = j;
            for (k = 0; k < 8; k++)
                *h++ = embedding[code * 8 + k];
            value += n_categories;
            embedding += n_codes[i] * 8;
        }
    }

    for (j = 0; j < 8; j++)
        b[j] = bias0[j];
    for (i = 0; i < 18; i++) {
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
