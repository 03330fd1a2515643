/*
 * A student written by skdistill.
 *
 * int student(const double *x, double *y)
 *
 * returns 0, or -1 if a value is infinite.
 * It writes 4 numbers:
 *   y[0]: y
 *   y[1]: its quantile 0.1
 *   y[2]: its quantile 0.5
 *   y[3]: its quantile 0.9
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
    -3.86138380e-01f, -8.80779445e-01f, -1.14734602e+00f, -9.46495414e-01f, 2.48057663e-01f, -1.86623916e-01f, -1.19348371e+00f, 2.66827852e-01f
};

static const float periodic_phase[8] = {
    2.22822115e-01f, -2.25738168e+00f, 2.06890750e+00f, -2.24242043e+00f, -1.15265644e+00f, -1.33156586e+00f, -1.43164945e+00f, -4.33726400e-01f
};

static const float periodic_weight[24] = {
    9.53208357e-02f, 1.91738546e-01f, -4.62765694e-02f, -1.90359980e-01f, 4.15847510e-01f, -1.40856728e-01f, 2.50600547e-01f, -2.83771008e-01f,
    8.33514035e-02f, -4.95380193e-01f, -2.10689738e-01f, -1.97774231e-01f, 3.22081596e-02f, -1.07547104e-01f, 2.60611832e-01f, -4.31699067e-01f,
    1.32957876e-01f, -3.61718833e-01f, 3.01975191e-01f, -1.75298691e-01f, -1.67012602e-01f, -1.05509706e-01f, 2.96000481e-01f, 4.68539774e-01f
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
    -5.38313463e-02f, -5.86590692e-02f, 4.37028855e-01f, -5.19743085e-01f, -3.69969904e-01f, -5.38258255e-01f, -2.26547331e-01f, 1.26138970e-01f,
    -3.53554100e-01f, 4.22033548e-01f, -5.85276544e-01f, 5.26848026e-02f, -4.05824214e-01f, 4.39685225e-01f, -9.72978324e-02f, 4.66805875e-01f,
    -3.62457149e-02f, -3.47872704e-01f, -8.39803040e-01f, -3.30065012e-01f, -5.43522835e-02f, -4.34309185e-01f, 6.56789243e-02f, 5.80031276e-01f,
    7.85729513e-02f, -8.34805369e-02f, -8.52009356e-02f, -8.35864097e-02f, -3.90644483e-02f, -8.55048522e-02f, -8.06184262e-02f, 3.02789900e-02f
};

static const float weight0[144] = {
    5.86547852e-02f, 5.45959473e-02f, 1.00280762e-01f, 9.80224609e-02f, -1.22436523e-01f, 2.81982422e-01f, -7.48901367e-02f, 2.80029297e-01f,
    -1.31103516e-01f, 2.12768555e-01f, 3.11523438e-01f, -1.52465820e-01f, 1.95434570e-01f, -3.79943848e-02f, -1.03271484e-01f, 1.00036621e-01f,
    -3.41796875e-02f, 1.83349609e-01f, 1.19857788e-02f, 1.96655273e-01f, -8.88061523e-02f, -9.49096680e-02f, -1.21337891e-01f, 9.42382812e-02f,
    -1.40380859e-01f, -2.60009766e-01f, -4.30908203e-02f, 2.99316406e-01f, -2.63824463e-02f, 1.36108398e-01f, -2.66357422e-01f, -1.92749023e-01f,
    1.19628906e-01f, 2.33276367e-01f, 2.53173828e-01f, 4.42504883e-02f, -1.81152344e-01f, 3.96728516e-02f, 1.11328125e-01f, -3.34777832e-02f,
    1.34658813e-02f, -1.15051270e-01f, 2.83935547e-01f, 1.92993164e-01f, 1.29852295e-02f, 4.26635742e-02f, -1.20422363e-01f, -8.63037109e-02f,
    2.35939026e-03f, -5.98144531e-02f, 1.40762329e-02f, 1.30615234e-01f, 1.70898438e-01f, 2.80517578e-01f, -8.72802734e-02f, -1.67236328e-01f,
    1.24572754e-01f, -1.35986328e-01f, 1.09252930e-01f, -2.38342285e-02f, -9.23461914e-02f, -1.19812012e-01f, 1.25610352e-01f, 1.26953125e-01f,
    2.28393555e-01f, 2.79296875e-01f, 1.79809570e-01f, -2.13012695e-01f, 2.16552734e-01f, 1.44409180e-01f, 1.67968750e-01f, -1.41479492e-01f,
    1.94740295e-03f, -6.34765625e-02f, 7.01904297e-02f, -9.03930664e-02f, -1.55761719e-01f, 3.15673828e-01f, 1.24450684e-01f, -1.77734375e-01f,
    1.81640625e-01f, 2.36320496e-03f, 1.00280762e-01f, -1.24023438e-01f, -2.05200195e-01f, 1.55761719e-01f, 9.35668945e-02f, 1.94580078e-01f,
    7.47070312e-02f, -3.01757812e-01f, -1.90307617e-01f, 1.22604370e-02f, 2.97393799e-02f, 1.76849365e-02f, 5.75256348e-02f, -1.50634766e-01f,
    8.06884766e-02f, -2.42187500e-01f, -2.74169922e-01f, -2.90527344e-01f, -9.84954834e-03f, -1.68701172e-01f, 1.90429688e-01f, -4.82177734e-02f,
    1.56555176e-02f, -5.81054688e-02f, -2.70507812e-01f, -4.42199707e-02f, 2.89062500e-01f, -2.10327148e-01f, 2.58544922e-01f, -9.38720703e-02f,
    5.44738770e-02f, -3.82080078e-02f, -1.56127930e-01f, -3.09326172e-01f, 6.37054443e-03f, 3.40270996e-02f, -1.16516113e-01f, -6.53076172e-02f,
    7.92846680e-02f, -1.44165039e-01f, -1.09924316e-01f, -1.60522461e-01f, 1.82617188e-01f, -9.97924805e-02f, -1.41357422e-01f, 5.90820312e-02f,
    1.61437988e-02f, 2.46826172e-01f, -1.27319336e-01f, -5.70983887e-02f, -1.23882294e-03f, -1.46484375e-01f, 1.14196777e-01f, -4.25109863e-02f,
    1.21887207e-01f, -3.56140137e-02f, 2.56347656e-01f, 1.35986328e-01f, -6.07967377e-04f, 3.77845764e-03f, 6.21337891e-02f, 1.81762695e-01f
};

static const float bias0[8] = {
    -2.14037821e-01f, 1.12543799e-01f, 4.41610008e-01f, 8.29460323e-02f, 3.51761058e-02f, 2.10582718e-01f, -1.83298200e-01f, 1.15171224e-02f
};

static const float weight1[32] = {
    1.01989746e-01f, -2.07519531e-01f, 7.03125000e-02f, -1.91406250e-01f, 7.47070312e-02f, 3.82812500e-01f, 1.96166992e-01f, 7.77587891e-02f,
    1.13952637e-01f, -3.95996094e-01f, 2.05566406e-01f, 2.49145508e-01f, -4.79125977e-02f, 4.36401367e-02f, 1.40258789e-01f, 3.16650391e-01f,
    -4.25781250e-01f, -9.05151367e-02f, -4.50439453e-02f, 3.77197266e-02f, 2.50732422e-01f, -2.97119141e-01f, 5.74951172e-02f, 1.38793945e-01f,
    3.35388184e-02f, 2.86132812e-01f, -2.53173828e-01f, 2.50488281e-01f, 1.40869141e-01f, -1.58691406e-01f, 4.18945312e-01f, -2.72705078e-01f
};

static const float bias1[4] = {
    -2.52970964e-01f, -3.96130770e-01f, -3.78612667e-01f, 1.89366750e-02f
};

static const double target_center[1] = {
    2.0401666666666666e+05
};

static const double target_scale[1] = {
    2.8722329679575478e+03
};

int student(const double *x, double *y)
{
    float a[18], b[18], *h = a;
    double number[3];
    long i, j, k;
    
    (void)h; (void)k; (void)number;

    for (j = 0; j < 4; j++)
        if (isinf(x[j]))
            return -1;

    for (i = 0; i < 3; i++) {
        double value = x[number_columns[i]], scaled;
        number[i] = isnan(value) ? center[i] : fmin(fmax(value, -1e+307), 1e+307);
        scaled = (number[i] - center[i]) * inverse_scale[i];
        scaled = fmin(fmax(scaled, -1e+100), 1e+100);
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

    for (j = 0; j < 4; j++)
        a[j] = bias1[j];
    for (i = 0; i < 8; i++) {
        const float *row = weight1 + i * 4, input = b[i];
        if (input != 0.0f)
            for (j = 0; j < 4; j++)
                a[j] += input * row[j];
    }

    for (j = 0; j < 1; j++)
        y[j] = target_center[j] + target_scale[j] * (double)a[j];

    for (j = 1; j < 4; j++) {
        double value = target_center[0] + target_scale[0] * (double)a[j];
        for (k = j; k > 1 && y[k - 1] > value; k--)
            y[k] = y[k - 1];
        y[k] = value;
    }
    return 0;
}
