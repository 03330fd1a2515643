/*
 * A student in a C program: reads rows of four numbers, separated by commas, and writes the most
 * probable species and its probability. A missing value is "nan".
 *
 *   cc -O2 main.c student.c -lm -o iris
 *   echo 5.1,3.5,1.4,0.2 | ./iris
 */
#include <stdio.h>

int student(const double *x, double *proba); /* in student.c, written by to_c */

/* The comment at the top of student.c lists them. */
static const char *const labels[] = {"setosa", "versicolor", "virginica"};

int main(void)
{
    double x[4], proba[3];

    while (scanf("%lf ,%lf ,%lf ,%lf", &x[0], &x[1], &x[2], &x[3]) == 4) {
        int best = student(x, proba);
        if (best < 0) {
            fprintf(stderr, "a value is infinite\n");
            return 1;
        }
        printf("%s %.6f\n", labels[best], proba[best]);
    }
    return 0;
}
