/* What this machine can do at most: three loops with nothing in the way. Called by ceilings.py, timed there.
 *
 * In registers, multiply-adds that wait for nothing. From memory, STREAM's triad (McCalpin 1995). And rows
 * of a matrix, drawn at random, read, changed and written back: what every word2vec does. Each row is asked
 * for ahead of its use, so that the loop is bound by how fast rows come, not by how long one takes.
 */
#include <stdint.h>

#ifdef __AVX512F__
#define LANES 16
#else
#define LANES 8
#endif
#define CHAINS 12 /* independent sums: more than latency (4 cycles) x units (2), fewer than registers (16) */
#define AHEAD 12  /* rows between asking for one and using it */
#define LINE 16   /* floats in a 64-byte cache line */

typedef float Vec __attribute__((vector_size(LANES * 4)));

/* Returns the floating-point operations of `rounds` rounds; a multiply-add is two. */
int64_t multiply_add(int64_t rounds, float *sink) {
    Vec x[CHAINS], a = {}, b = {};
    a += sink[0], b += sink[1]; /* known at run time only, so that nothing is computed in advance */
    for (int c = 0; c < CHAINS; c++) x[c] = b + (float)c;
    for (int64_t r = 0; r < rounds; r++)
        for (int c = 0; c < CHAINS; c++) x[c] = x[c] * a + b;
    for (int c = 1; c < CHAINS; c++) x[0] += x[c];
    sink[2] = x[0][0];
    return rounds * CHAINS * LANES * 2;
}

void triad(float *restrict a, const float *restrict b, const float *restrict c, int64_t n) {
    for (int64_t i = 0; i < n; i++) a[i] = b[i] + 3.0f * c[i];
}

/* Adds `change` (stride,) to the rows ids[0 .. n) of table (rows, stride); ids has AHEAD more entries. */
void add_to_rows(float *table, int64_t stride, const int32_t *ids, int64_t n, const float *change) {
    for (int64_t i = 0; i < n; i++) {
        float *row = table + ids[i] * stride;
        const float *later = table + ids[i + AHEAD] * stride;
        for (int64_t k = 0; k < stride; k += LINE) {
            __builtin_prefetch(later + k, 1, 3);
            for (int64_t j = k; j < k + LINE; j++) row[j] += change[j];
        }
    }
}
