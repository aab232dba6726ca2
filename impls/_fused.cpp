// The fused kernel: one walk over the text that subsamples, draws, scores and updates.
//
// For every kept word (the centre) a *step* is planned and then taken. A step is a small dense
// problem, C input rows against O output rows of d floats:
//
//     score[c][o] = in[c] . out[o]                       c < C, o < O
//     g[c][o]     = (label[o] - sigmoid(score[c][o])) * weight[o]
//     in[c]      += sum_o g[c][o] * out[o]               with the rows as they were before the step
//     out[o]     += sum_c g[c][o] * in[c]
//
// skip-gram: the C rows are the context words of the window, each of which predicts the centre.
// CBOW:      C = 1, the mean of those rows; its gradient goes undivided to every context word.
// ns:        the O rows are the centre (label 1) and K noise words (label 0), drawn once for the
//            whole window. A noise word that equals the centre is skipped: its weight is 0.
// hs:        the O rows are the inner nodes on the centre's path, the label of each is 1 - its code.
//            Skip-gram takes two contexts a step, the window is a series of such steps: every path begins
//            at the root, which would otherwise hear a whole window at once, all of one opinion. After 10
//            epochs on wiki-slice, mean of 5 seeds: WS353 .479 and SimLex .215 with whole windows, .491 and
//            .228 with two contexts; one at a time gives no more and takes 1.3 times as long.
//
// Mathematics: Mikolov et al. 2013b (arXiv 1310.4546), equations 3 and 4. Sharing the negatives of
// a window, which turns it into a matrix product: Ji et al. 2016, pWord2Vec (arXiv 1604.04661).
// Threads write the shared matrices without locks (Recht et al. 2011, Hogwild): in C++'s terms a
// data race, on floats that are whole on every processor we know; a lost update does no harm.
//
// Where the speed comes from. Skip-gram ns, 100 floats, window 5, K 5, V 68 K, one thread of a Sapphire
// Rapids Xeon; interleaved runs, "x" is the whole kernel's speed with against without.
//   - A step is computed in registers: every load of an output row serves two contexts, every load of a
//     context row all outputs. 756 fused multiply-adds of 16 floats a centre take at least 378 cycles;
//     a centre takes about 900, of which 80 are planning and 150 to 250 wait for memory.
//   - All draws of a sentence are made before its first step, so that the rows of later steps are known
//     and asked for ahead: 1.7x. Three steps ahead rather than one: 1.2x. Spread over the update, a cache
//     line of each row at a time, rather than all at once: 1.1x.
//   - The sums of up to 16 products are folded into one vector together, and meet the sigmoid there.
//   - Rows start on cache lines. Two partial sums shorten the wait in `update`: 1.04x (hs), 1.05x (K 15).
//   - Threads have copies of the busiest rows (`Hot`): on two threads 2.3x (skip-gram hs), 2.4x (CBOW hs),
//     1.3x (ns). Before, hs on two threads was slower than on one.
//   - CBOW has a kernel for its single row, which hands the gradient on from registers: 1.14x.
//   - Skip-gram hs holds four vectors of both contexts while the nodes of the path pass by, each read and
//     written once: 1.2x. Asking early for what is looked up while planning: 1.03x, CBOW 1.07x.
// Tried and left out, because they gained nothing or lost: two sentences in turn to hide latencies
// (0.93x), an approximate reciprocal in the sigmoid (1.01x), no prefetch for the top of the tree (0.75 to 1.03x),
// copies of 512, 2,048 or 4,096 outputs rather than 1,024 (1.00x, 1.00x, 0.95x),
// paths padded to even lengths (1.00x), prefetching into the second-level cache only (0.94x).
//
// The limit: a centre reads and writes K + 2 rows that are not in the first-level cache, 7 x 448 bytes
// each way, and meets 36 pairs of rows in three passes of 2 x 100 operations: 21,600 operations on 6.3 KB.

#include <algorithm>
#include <cstdint>
#include <vector>

// ---------------------------------------------------------------- what Python hands over

extern "C" {

struct Alias {         // one column of the alias table (Walker 1977): noise in one look-up
    uint32_t keep;     // chance x 2^32 that the column's own word is drawn
    uint32_t other;    // the word drawn otherwise
};

struct Model {         // mirrored field by field in fused.py
    float *input;      // (V, stride) rows start on 64-byte lines; floats beyond the dimension stay 0
    float *output;     // (V or V - 1, stride)
    int64_t stride;    // floats a row, a multiple of 16
    int64_t vocabulary;
    const int32_t *ids;           // (N,) the text
    const int64_t *offsets;       // (S + 1,) its sentences
    const uint32_t *keep;         // (V,) chance x 2^32 that an occurrence survives subsampling
    const Alias *noise;           // (V,) ns only
    const int64_t *path_offsets;  // (V + 1,) hs only: word w passes nodes[path_offsets[w] ...]
    const int32_t *nodes;
    const uint8_t *codes;
    int64_t window;
    int64_t negatives;   // K; ns only
    int64_t widest;      // most output rows a step can have: K + 1, or the longest path
    int64_t hierarchical;  // 0: negative sampling
    int64_t cbow;          // 0: skip-gram
    int64_t hot_inputs;    // the first so many rows of `input` are busy: see Hot; 0 with one thread
    int64_t hot_outputs;   // and of `output`
    int64_t touches;       // of a busy row between two meetings with what the other threads made of it
    double rate;           // at the first word; falls linearly to 1e-4 of itself
    double total_words;    // raw words of all epochs
};

struct Work {  // counted, added to by every piece
    int64_t kept_words, pairs, scored_outputs, row_visits;
};

}  // extern "C"

namespace {

// ---------------------------------------------------------------- vectors of LANES floats

// Vector types of GCC and Clang: the compiler picks the instructions of the machine it runs on.
#ifdef __AVX512F__
constexpr int LANES = 16;
#else
constexpr int LANES = 8;
#endif
constexpr int HALF = LANES / 2;  // output rows of a block: a pair of contexts fills one vector
constexpr int LINE = 16;         // floats in a 64-byte cache line

typedef float Vec __attribute__((vector_size(LANES * 4), may_alias));
typedef int32_t Bits __attribute__((vector_size(LANES * 4), may_alias));

inline Vec load(const float *p) { return *(const Vec *)p; }
inline void store(float *p, Vec v) { *(Vec *)p = v; }
inline Vec fill(float x) { return x - Vec{}; }  // x - 0 is x for every x, x + 0 is not

#define PICK(...) __builtin_shufflevector(a, b, __VA_ARGS__)
#if defined(__AVX512F__)
inline Vec fold1(Vec a, Vec b) {  // within 128 bits: a0+a2 b0+b2 a1+a3 b1+b3
    return PICK(0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29) +
           PICK(2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31);
}
inline Vec fold2(Vec a, Vec b) {  // within 128 bits: sums of four vectors side by side
    return PICK(0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29) +
           PICK(2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31);
}
inline Vec fold4(Vec a, Vec b) {  // halves: a.0+a.1 a.2+a.3 b.0+b.1 b.2+b.3, in units of 128 bits
    return PICK(0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27) +
           PICK(4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31);
}
inline Vec sum_each(const Vec *v) {  // lane i of the result is the sum of v[i]
    Vec quads[4];
    for (int q = 0; q < 4; q++)
        quads[q] = fold2(fold1(v[4 * q], v[4 * q + 1]), fold1(v[4 * q + 2], v[4 * q + 3]));
    return fold4(fold4(quads[0], quads[1]), fold4(quads[2], quads[3]));
}
#else
inline Vec fold1(Vec a, Vec b) { return PICK(0, 8, 1, 9, 4, 12, 5, 13) + PICK(2, 10, 3, 11, 6, 14, 7, 15); }
inline Vec fold2(Vec a, Vec b) { return PICK(0, 1, 8, 9, 4, 5, 12, 13) + PICK(2, 3, 10, 11, 6, 7, 14, 15); }
inline Vec fold4(Vec a, Vec b) { return PICK(0, 1, 2, 3, 8, 9, 10, 11) + PICK(4, 5, 6, 7, 12, 13, 14, 15); }
inline Vec sum_each(const Vec *v) {  // lane i of the result is the sum of v[i]
    Vec quads[2];
    for (int q = 0; q < 2; q++)
        quads[q] = fold2(fold1(v[4 * q], v[4 * q + 1]), fold1(v[4 * q + 2], v[4 * q + 3]));
    return fold4(quads[0], quads[1]);
}
#endif
#undef PICK

// 1 in lane o where bit o is set, and the same again from lane REPEAT on.
template <int REPEAT>
inline Vec flags(uint32_t bits) {
    Bits lane;
    for (int i = 0; i < LANES; i++) lane[i] = i % REPEAT;
    return __builtin_convertvector(((Bits{} + (int32_t)bits) >> lane) & 1, Vec);
}

inline Vec sigmoid(Vec x) {
    // exp(-x) = 2^n * 2^f with n whole and |f| <= 1/2; relative error under 3e-6.
    Vec t = x * fill(-1.44269504f);
    t = t > fill(60.f) ? fill(60.f) : t;
    t = t < fill(-60.f) ? fill(-60.f) : t;
    const Vec magic = fill(12582912.f);  // 1.5 x 2^23: adding it leaves the nearest whole number
    Vec whole = t + magic;
    Bits n = (Bits)whole - (Bits)magic;
    Vec f = t - (whole - magic);
    Vec p = fill(1.33335581e-3f);
    p = p * f + fill(9.61812911e-3f);
    p = p * f + fill(5.55041087e-2f);
    p = p * f + fill(2.40226507e-1f);
    p = p * f + fill(6.93147181e-1f);
    p = p * f + fill(1.f);
    return fill(1.f) / (fill(1.f) + (Vec)((Bits)p + (n << 23)));
}

// ---------------------------------------------------------------- chance

struct Random {  // splitmix64 (Steele, Lea, Flood 2014)
    uint64_t state;
    uint64_t next() {
        uint64_t z = (state += 0x9e3779b97f4a7c15u);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        return z ^ (z >> 31);
    }
    uint32_t below(uint32_t n) { return (uint32_t)(((next() >> 32) * n) >> 32); }
};

inline int32_t draw_noise(const Model &m, Random &random) {
    uint64_t r = random.next();
    uint32_t column = (uint32_t)(((r >> 32) * (uint64_t)m.vocabulary) >> 32);
    Alias a = m.noise[column];
    return (uint32_t)r <= a.keep ? column : a.other;
}

// ---------------------------------------------------------------- one step

// Outputs are taken in groups whose scores fit one vector. Of skip-gram ns at most 10, for which two rows
// each and what they meet fit the 32 registers.
constexpr int GROUP = LANES < 10 ? LANES : 10;

struct Groups {  // O outputs in groups: full ones and a rest on a path, else of nearly equal size
    int count, size;
    Groups(const Model &m, int64_t outputs) {
        bool path = m.hierarchical && !m.cbow;
        int most = path ? HALF : m.cbow ? LANES : GROUP;
        count = ((int)outputs + most - 1) / most;
        size = path || count == 0 ? most : ((int)outputs + count - 1) / count;
    }
};

// What the outputs of a group stand for: bit o is set where the label of output o is 1, and bit
// SKIP + o where it counts for nothing.
using Marks = uint32_t;
constexpr int SKIP = 16;

struct Step {
    float *const *in;    // (C,) rows
    int64_t contexts;    // C
    float *const *out;   // (O,)
    int64_t outputs;     // O
    Groups groups;       // of them
    const Marks *marks;  // (groups,)
    float rate;
    float *const *prefetch;  // rows to ask for meanwhile, a cache line of each at a time
    int64_t prefetches;
};

inline void ask_for(const float *p) { __builtin_prefetch(p, 1, 3); }
inline void ask_for(const Step &s, int64_t k) {
    if (k % LINE == 0)
        for (int64_t r = 0; r < s.prefetches; r++) ask_for(s.prefetch[r] + k);
}

// Small groups meet two contexts at a time, which then share the loads of the outputs and a vector of
// scores. Floats of g a context: half a vector then, a whole one otherwise.
constexpr int together(int n) { return n <= HALF ? 2 : 1; }
constexpr int width(int at_a_time) { return LANES / at_a_time; }

// g of N outputs and all contexts, `PAIR` of them at a time. Their sums are folded into one vector together.
template <int N, int PAIR>
void errors(float *const *in, int64_t contexts, float *const *out, int64_t stride, Marks marks, float rate,
            float *g) {
    constexpr int WIDTH = width(PAIR);
    Vec label = flags<WIDTH>(marks), weight = fill(rate) - flags<WIDTH>(marks >> SKIP) * fill(rate);
    for (int64_t c = 0; c < contexts; c += PAIR) {
        const float *one = in[c], *two = in[std::min(c + 1, contexts - 1)];
        Vec sums[LANES] = {};
        for (int64_t k = 0; k < stride; k += LANES) {
            Vec x = load(one + k), y = PAIR == 2 ? load(two + k) : x;
            for (int o = 0; o < N; o++) {
                Vec w = load(out[o] + k);
                sums[o] += x * w;
                if (PAIR == 2) sums[WIDTH + o] += y * w;
            }
        }
        store(g + c * WIDTH, (label - sigmoid(sum_each(sums))) * weight);
    }
}

// Skip-gram: both gradients of N outputs. IN_PLACE: the input rows are updated, right where these are all
// of the step's outputs. Otherwise their gradient is added to `gradient`.
template <int N, bool IN_PLACE>
void update(const Step &s, float *const *out, int64_t stride, const float *g, float *gradient) {
    constexpr int WIDTH = width(together(N));
    const int64_t contexts = s.contexts;
    for (int64_t k = 0; k < stride; k += LANES) {
        ask_for(s, k);
        Vec w[N], d[N] = {};
        for (int o = 0; o < N; o++) w[o] = load(out[o] + k);
        for (int64_t c = 0; c < contexts; c++) {
            Vec x = load(s.in[c] + k);
            float *to = IN_PLACE ? s.in[c] + k : gradient + c * stride + k;
            Vec sums[2] = {IN_PLACE ? x : load(to)};  // two, or each product would wait for the last
            for (int o = 0; o < N; o++) {
                Vec e = fill(g[c * WIDTH + o]);
                sums[o % 2] += e * w[o];
                d[o] += e * x;
            }
            store(to, sums[0] + sums[1]);
        }
        // Added to what is there now, not to w: a noise word may stand in two places of the group.
        for (int o = 0; o < N; o++) store(out[o] + k, load(out[o] + k) + d[o]);
    }
}

// CBOW: both gradients of N outputs; the mean's goes undivided to every context.
template <int N>
void update_mean(const Step &s, float *const *out, int64_t stride, const float *g, float *mean) {
    const int64_t contexts = s.contexts;
    for (int64_t k = 0; k < stride; k += LANES) {
        ask_for(s, k);
        Vec x = load(mean + k), w[N], sum = {};
        for (int o = 0; o < N; o++) w[o] = load(out[o] + k);
        for (int o = 0; o < N; o++) {
            Vec e = fill(g[o]);
            sum += e * w[o];
            store(out[o] + k, load(out[o] + k) + e * x);
        }
        for (int64_t c = 0; c < contexts; c++) store(s.in[c] + k, load(s.in[c] + k) + sum);
    }
}

// Skip-gram hs: both gradients of a whole path and one context or two, V vectors of each row at a time.
template <int CONTEXTS, int V>
inline void update_path(const Step &s, const float *g, int64_t k) {
    constexpr int WIDTH = width(2);
    Vec x[CONTEXTS][V], to[CONTEXTS][V];
    for (int c = 0; c < CONTEXTS; c++)
        for (int v = 0; v < V; v++) to[c][v] = x[c][v] = load(s.in[c] + k + v * LANES);
    auto ask = [&](int64_t r) {
        for (int v = 0; v < V * LANES; v += LINE) ask_for(s.prefetch[r] + k + v);
    };
    for (int64_t o = 0; o < s.outputs; o++) {
        if (o < s.prefetches) ask(o);
        const float *e = g + o / HALF * (CONTEXTS + 1) * LANES + o % HALF;
        Vec error[CONTEXTS];
        for (int c = 0; c < CONTEXTS; c++) error[c] = fill(e[c * WIDTH]);
        float *out = s.out[o] + k;
        for (int v = 0; v < V; v++, out += LANES) {
            Vec w = load(out), sum = w;
            for (int c = 0; c < CONTEXTS; c++) {
                to[c][v] += error[c] * w;
                sum += error[c] * x[c][v];
            }
            store(out, sum);
        }
    }
    for (int64_t r = s.outputs; r < s.prefetches; r++) ask(r);
    for (int c = 0; c < CONTEXTS; c++)
        for (int v = 0; v < V; v++) store(s.in[c] + k + v * LANES, to[c][v]);
}

template <int CONTEXTS>
void update_path(const Step &s, int64_t stride, const float *g) {
    constexpr int V = 4;  // of two contexts and their sums: 16 registers
    int64_t k = 0;
    for (; k + V * LANES <= stride; k += V * LANES) update_path<CONTEXTS, V>(s, g, k);
    switch ((stride - k) / LANES) {
        case 3: return update_path<CONTEXTS, 3>(s, g, k);
        case 2: return update_path<CONTEXTS, 2>(s, g, k);
        case 1: return update_path<CONTEXTS, 1>(s, g, k);
    }
}

// ------------------------------ any number of outputs

using Errors = void (*)(float *const *, int64_t, float *const *, int64_t, Marks, float, float *);
using Update = void (*)(const Step &, float *const *, int64_t, const float *, float *);

struct Kernels {  // each for a group of N outputs, N the index
    Errors errors[LANES + 1] = {}, mean_errors[LANES + 1] = {};
    Update update[LANES + 1] = {}, update_in_place[LANES + 1] = {}, update_mean[LANES + 1] = {};
    constexpr Kernels() { enter<LANES>(); }
    template <int N>
    constexpr void enter() {
        errors[N] = ::errors<N, together(N)>;
        mean_errors[N] = ::errors<N, 1>;
        update[N] = ::update<N, false>;
        update_in_place[N] = ::update<N, true>;
        update_mean[N] = ::update_mean<N>;
        if constexpr (N > 1) enter<N - 1>();
    }
};
constexpr Kernels KERNELS;

struct Scratch {  // of one thread, reused by every step
    std::vector<Vec> memory;
    float *g, *gradient, *mean;
    Scratch(const Model &m, int64_t contexts, int64_t outputs) {
        int64_t groups = Groups(m, outputs).count, stride = m.stride;
        memory.resize(groups * (contexts + 1) + (contexts + 1) * stride / LANES);
        g = (float *)memory.data();                     // (groups, contexts + 1, LANES)
        gradient = g + groups * (contexts + 1) * LANES;  // (contexts, stride)
        mean = gradient + contexts * stride;            // (stride,)
    }
};

// Every g first, from the rows as they were; then the updates. Group after group.
void score(const Step &s, float *const *in, int64_t contexts, const Errors *errors, int64_t stride, float *g) {
    const Groups &groups = s.groups;
    for (int b = 0, o = 0; b < groups.count; b++, o += groups.size, g += (contexts + 1) * LANES)
        errors[std::min(groups.size, (int)s.outputs - o)](in, contexts, s.out + o, stride, s.marks[b], s.rate, g);
}

void apply(const Step &s, int64_t contexts, const Update *update, int64_t stride, const float *g, float *more) {
    const Groups &groups = s.groups;
    for (int o = 0; o < s.outputs; o += groups.size, g += (contexts + 1) * LANES)
        update[std::min(groups.size, (int)s.outputs - o)](s, s.out + o, stride, g, more);
}

void step_skipgram(const Step &s, int64_t stride, const Scratch &scratch) {
    score(s, s.in, s.contexts, KERNELS.errors, stride, scratch.g);
    if (s.groups.count == 1) return apply(s, s.contexts, KERNELS.update_in_place, stride, scratch.g, nullptr);
    std::fill(scratch.gradient, scratch.gradient + s.contexts * stride, 0.f);
    apply(s, s.contexts, KERNELS.update, stride, scratch.g, scratch.gradient);
    for (int64_t c = 0; c < s.contexts; c++)
        for (int64_t k = 0; k < stride; k += LANES)
            store(s.in[c] + k, load(s.in[c] + k) + load(scratch.gradient + c * stride + k));
}

void step_cbow(const Step &s, int64_t stride, const Scratch &scratch) {
    Vec share = fill(1.f / s.contexts);
    for (int64_t k = 0; k < stride; k += LANES) {
        Vec sum = {};
        for (int64_t c = 0; c < s.contexts; c++) sum += load(s.in[c] + k);
        store(scratch.mean + k, sum * share);
    }
    score(s, &scratch.mean, 1, KERNELS.mean_errors, stride, scratch.g);
    apply(s, 1, KERNELS.update_mean, stride, scratch.g, scratch.mean);
}

void step_paths(const Step &window, int64_t stride, const Scratch &scratch) {
    Step s = window;
    for (int64_t left = window.contexts; left > 0; left -= 2, s.in += 2) {
        s.contexts = std::min<int64_t>(2, left);
        score(s, s.in, s.contexts, KERNELS.errors, stride, scratch.g);
        (s.contexts == 2 ? update_path<2> : update_path<1>)(s, stride, scratch.g);
        s.prefetches = 0;  // once a window
    }
}

void take(const Model &m, const Step &s, const Scratch &scratch) {
    if (s.contexts == 0 || s.outputs == 0) return;
    (m.cbow ? step_cbow : m.hierarchical ? step_paths : step_skipgram)(s, m.stride, scratch);
}

// ---------------------------------------------------------------- busy rows

// A row that every thread writes all the time, as the root of the tree, spends its life on the way from
// one processor's cache to the next, and the threads wait for it. Each thread therefore works on copies
// of the busiest rows of its own, and every `touches` uses adds what it has changed to the shared row.
// Rows are numbered by falling frequency, words and inner nodes alike, so the busiest are the first.
struct Hot {
    float *shared;
    int64_t stride, rows, touches;
    std::vector<Vec> memory;
    float *own, *base;           // (rows, stride) the copy, and the shared row as last met
    std::vector<int32_t> count;  // (rows,) uses since the last meeting

    Hot(float *shared, int64_t stride, int64_t rows, int64_t touches)
        : shared(shared), stride(stride), rows(rows), touches(touches), memory(2 * rows * stride / LANES),
          own((float *)memory.data()), base(own + rows * stride), count(rows) {
        std::copy(shared, shared + rows * stride, own);
        std::copy(own, own + rows * stride, base);
    }
    float *row(int64_t r) { return (r < rows ? own : shared) + r * stride; }
    bool due(int64_t r) {  // counts a use
        if (r >= rows || ++count[r] < touches) return false;
        count[r] = 0;
        return true;
    }
    void ask_for_meeting(int64_t r) const {
        for (int64_t k = r * stride; k < (r + 1) * stride; k += LINE) ask_for(shared + k), ask_for(base + k);
    }
    void meet(int64_t r) {
        for (int64_t k = r * stride; k < (r + 1) * stride; k += LANES) {
            Vec now = load(shared + k) + (load(own + k) - load(base + k));
            store(shared + k, now), store(own + k, now), store(base + k, now);
        }
    }
    void meet_all() {
        for (int64_t r = 0; r < rows; r++) meet(r);
    }
};

// ---------------------------------------------------------------- planning a sentence

// All draws of a sentence are made before its first step: look-ups in the noise table then wait
// for memory together instead of one after the other, and the rows of the next step are known.
struct Meeting {
    int64_t step, row;
    Hot *matrix;
};

struct Plan {
    int64_t n = 0;               // kept words
    std::vector<int32_t> kept;   // (n,) word numbers
    std::vector<int32_t> width;  // (n,) of the window
    std::vector<float *> in;     // (n,) input rows of the kept words
    std::vector<float *> out;    // output rows, step after step, and one input row after each step's
    std::vector<Marks> marks;
    std::vector<int64_t> out_at, marks_at;  // (n + 1,) where a step's begin
    std::vector<Meeting> meetings;          // by step
    Hot inputs, outputs;

    Plan(const Model &m, int64_t longest)
        : kept(longest + 1), width(longest), in(longest), out(longest * (m.widest + 1)),
          marks(longest * Groups(m, m.widest).count), out_at(longest + 1), marks_at(longest + 1),
          inputs(m.input, m.stride, m.hot_inputs, m.touches), outputs(m.output, m.stride, m.hot_outputs, m.touches) {}

    float *use(Hot &matrix, int64_t row, int64_t step) {
        if (matrix.due(row)) meetings.push_back({step, row, &matrix});
        return matrix.row(row);
    }
};

// The words of ids[0..words) that survive subsampling, in order. Without a branch.
void subsample(const Model &m, const int32_t *ids, int64_t words, Random &random, Plan &p) {
    p.n = 0;
    for (int64_t i = 0; i < words; i++) {
        p.kept[p.n] = ids[i];
        p.n += (uint32_t)(random.next() >> 32) <= m.keep[ids[i]];
    }
}

void plan_path(const Model &m, int64_t i, float **out, Marks *marks, Groups groups, Plan &p) {
    int32_t centre = p.kept[i];
    const int32_t *node = m.nodes + m.path_offsets[centre], *end = m.nodes + m.path_offsets[centre + 1];
    const uint8_t *code = m.codes + m.path_offsets[centre];
    for (int b = 0; b < groups.count; b++) {
        Marks seen = 0;
        for (int o = 0; o < groups.size && node < end; o++) {
            *out++ = p.use(p.outputs, *node++, i);
            seen |= (Marks)(*code++ ^ 1) << o;
        }
        marks[b] = seen;
    }
}

void plan_noise(const Model &m, int64_t i, Random &random, float **out, Marks *marks, Groups groups, Plan &p) {
    int32_t centre = p.kept[i];
    for (int b = 0; b < groups.count; b++) marks[b] = b == 0;
    out[0] = p.use(p.outputs, centre, i);
    for (int o = 1; o <= m.negatives; o++) {
        int32_t word = draw_noise(m, random);
        out[o] = p.use(p.outputs, word, i);
        if (word == centre) marks[o / groups.size] |= 1u << (SKIP + o % groups.size);
    }
}

constexpr int64_t PATHS_AHEAD = 8;  // words between asking where a path is, for the path, and reading it

void plan_sentence(const Model &m, const int32_t *ids, int64_t words, Random &random, Plan &p) {
    subsample(m, ids, words, random, p);
    p.meetings.clear();
    for (int64_t i = 0; i < p.n; i++) {
        p.in[i] = p.inputs.row(p.kept[i]);
        p.width[i] = 1 + random.below((uint32_t)m.window);
    }
    Groups noise_groups(m, 1 + m.negatives);
    int64_t at = 0, marks_at = 0;
    for (int64_t i = 0; i < p.n; i++) {
        int32_t centre = p.kept[i];
        if (m.hierarchical) {
            __builtin_prefetch(m.path_offsets + p.kept[std::min(p.n - 1, i + 2 * PATHS_AHEAD)]);
            int64_t path = m.path_offsets[p.kept[std::min(p.n - 1, i + PATHS_AHEAD)]];
            __builtin_prefetch(m.nodes + path);
            __builtin_prefetch(m.codes + path);
        }
        p.out_at[i] = at, p.marks_at[i] = marks_at;
        p.use(p.inputs, centre, i);
        int64_t outputs = m.hierarchical ? m.path_offsets[centre + 1] - m.path_offsets[centre] : 1 + m.negatives;
        Groups groups = m.hierarchical ? Groups(m, outputs) : noise_groups;
        if (m.hierarchical) plan_path(m, i, &p.out[at], &p.marks[marks_at], groups, p);
        else plan_noise(m, i, random, &p.out[at], &p.marks[marks_at], groups, p);
        at += outputs;
        p.out[at++] = p.in[std::min(p.n - 1, i + m.window + 1)];  // enters the widest window soon
        marks_at += groups.count;
    }
    p.out_at[p.n] = at;
}

constexpr int64_t AHEAD = 3;  // steps between asking for a row and its use

void train_sentence(const Model &m, Plan &p, float rate, const Scratch &scratch, Work &work) {
    auto meeting = p.meetings.begin(), coming = meeting;
    for (int64_t i = 0; i < p.n; i++) {
        for (; coming != p.meetings.end() && coming->step <= i + 1; coming++)
            coming->matrix->ask_for_meeting(coming->row);
        for (; meeting != p.meetings.end() && meeting->step == i; meeting++) meeting->matrix->meet(meeting->row);
        int64_t first = std::max<int64_t>(0, i - p.width[i]), last = std::min<int64_t>(p.n - 1, i + p.width[i]);
        // The contexts are in[first..last] without i: the first one takes the place of i meanwhile.
        float *own = p.in[i];
        p.in[i] = p.in[first];
        int64_t outputs = p.out_at[i + 1] - p.out_at[i] - 1;
        int64_t next = std::min(i + AHEAD, p.n), ahead = std::min(next + 1, p.n);
        Step s{&p.in[first + 1], last - first, &p.out[p.out_at[i]], outputs, Groups(m, outputs),
               &p.marks[p.marks_at[i]], rate, &p.out[p.out_at[next]], p.out_at[ahead] - p.out_at[next]};
        take(m, s, scratch);
        p.in[i] = own;
        work.pairs += s.contexts;
        work.scored_outputs += s.outputs * (m.cbow ? s.contexts > 0 : s.contexts);
        work.row_visits += s.contexts ? s.contexts + s.outputs : 0;
    }
    work.kept_words += p.n;
}

}  // namespace

// ---------------------------------------------------------------- entry points

extern "C" {

// Train the sentences [first, last) once. `words_before` raw words of the run came earlier: with
// `seed`, they fix the rate and every draw, whichever thread takes the piece.
void train_piece(const Model *m, int64_t first, int64_t last, int64_t words_before, uint64_t seed, Work *work) {
    Random random{seed};
    int64_t longest = 0;
    for (int64_t s = first; s < last; s++) longest = std::max(longest, m->offsets[s + 1] - m->offsets[s]);
    Plan plan(*m, longest);
    Scratch scratch(*m, 2 * m->window, m->widest);
    for (int64_t s = first; s < last; s++) {
        int64_t begin = m->offsets[s], words = m->offsets[s + 1] - begin;
        double done = (double)(words_before + begin - m->offsets[first]) / m->total_words;
        plan_sentence(*m, m->ids + begin, words, random, plan);
        train_sentence(*m, plan, (float)(m->rate * std::max(1e-4, 1.0 - done)), scratch, *work);
    }
    plan.inputs.meet_all(), plan.outputs.meet_all();
}

// For tests: one step with the rows and labels given, nothing drawn.
void single_step(const Model *m, const int32_t *in, int64_t contexts, const int32_t *out, const uint8_t *ones,
                 const uint8_t *skips, int64_t outputs, float rate) {
    std::vector<float *> in_rows, out_rows;
    Groups groups(*m, outputs);
    std::vector<Marks> marks(groups.count);
    for (int64_t c = 0; c < contexts; c++) in_rows.push_back(m->input + in[c] * m->stride);
    for (int64_t o = 0; o < outputs; o++) {
        out_rows.push_back(m->output + out[o] * m->stride);
        marks[o / groups.size] |= (Marks)(ones[o] | skips[o] << SKIP) << o % groups.size;
    }
    Step s{in_rows.data(), contexts, out_rows.data(), outputs, groups, marks.data(), rate, nullptr, 0};
    take(*m, s, Scratch(*m, contexts, outputs));
}

// For tests: `n` noise words.
void draw(const Model *m, uint64_t seed, int64_t n, int32_t *words) {
    Random random{seed};
    for (int64_t i = 0; i < n; i++) words[i] = draw_noise(*m, random);
}

}  // extern "C"
