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
//
// Mathematics: Mikolov et al. 2013b (arXiv 1310.4546), equations 3 and 4. Sharing the negatives of
// a window, which turns it into a matrix product: Ji et al. 2016, pWord2Vec (arXiv 1604.04661).
// Threads write the shared matrices without locks (Recht et al. 2011, Hogwild): in C++'s terms a
// data race, on floats that are whole on every processor we know; a lost update does no harm.

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
    double rate;           // at the first word; falls linearly to 1e-4 of itself
    double total_words;    // raw words of all epochs
};

struct Work {  // counted, added to by every piece
    int64_t kept_words, pairs, scored_outputs;
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
inline Vec fill(float x) { return Vec{} + x; }

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

struct Step {
    int64_t contexts = 0, outputs = 0;  // C, O
    int block = 0;                      // output rows of a block, at most HALF; the last may have fewer
    std::vector<float *> in, out;       // rows
    std::vector<Vec> label, weight;     // (blocks,) lane o and lane HALF + o are output o's

    Step(int64_t most_contexts, int64_t most_outputs)
        : in(most_contexts), out(most_outputs), label(most_outputs / HALF + 1), weight(label.size()) {}

    // Divide O rows into blocks of nearly equal size, and clear what the lanes held before.
    void shape(int64_t rows) {
        outputs = rows;
        int64_t blocks = std::max<int64_t>(1, (rows + HALF - 1) / HALF);
        block = (int)((rows + blocks - 1) / blocks);
        std::fill(weight.begin(), weight.begin() + blocks, Vec{});
    }
    void set(int64_t o, float *row, float row_label, float row_weight) {
        out[o] = row;
        Vec &labels = label[o / block], &weights = weight[o / block];
        int64_t lane = o % block;
        labels[lane] = labels[lane + HALF] = row_label;
        weights[lane] = weights[lane + HALF] = row_weight;
    }
};

struct Prefetch {  // rows to ask for while computing, a cache line of each at a time
    std::vector<const float *> rows;
    void line(int64_t at) const {
        for (const float *row : rows) __builtin_prefetch(row + at, 1, 3);
    }
};

// g of N outputs and all contexts: a pair of contexts at a time shares the loads of the outputs,
// and its 2N sums are folded into one vector together.
template <int N>
void errors(float *const *in, int64_t contexts, float *const *out, int64_t stride,
            Vec label, Vec weight, float *g) {
    for (int64_t c = 0; c < contexts; c += 2) {
        const float *one = in[c], *two = in[std::min(c + 1, contexts - 1)];
        Vec sums[LANES] = {};
        for (int64_t k = 0; k < stride; k += LANES) {
            Vec x = load(one + k), y = load(two + k);
            for (int o = 0; o < N; o++) {
                Vec w = load(out[o] + k);
                sums[o] += x * w;
                sums[HALF + o] += y * w;
            }
        }
        store(g + c * HALF, (label - sigmoid(sum_each(sums))) * weight);
    }
}

// Both gradients of N outputs. `gradient` null: the input rows are updated in place, which is right
// where these are all of the step's outputs. Otherwise the inputs' gradient is left there.
template <int N>
void update(float *const *in, int64_t contexts, float *const *out, int64_t stride, const float *g,
            float *gradient, bool first, const Prefetch &prefetch) {
    for (int64_t k = 0; k < stride; k += LANES) {
        if (first && k % LINE == 0) prefetch.line(k);
        Vec w[N], d[N] = {};
        for (int o = 0; o < N; o++) w[o] = load(out[o] + k);
        for (int64_t c = 0; c < contexts; c++) {
            float *to = gradient ? gradient + c * stride : in[c];
            Vec x = load(in[c] + k);
            Vec sum = gradient ? (first ? Vec{} : load(to + k)) : x;
            for (int o = 0; o < N; o++) {
                Vec e = fill(g[c * HALF + o]);
                sum += e * w[o];
                d[o] += e * x;
            }
            store(to + k, sum);
        }
        // Added to what is there now, not to w: the same noise word may stand in two places.
        for (int o = 0; o < N; o++) store(out[o] + k, load(out[o] + k) + d[o]);
    }
}

using Errors = void (*)(float *const *, int64_t, float *const *, int64_t, Vec, Vec, float *);
using Update = void (*)(float *const *, int64_t, float *const *, int64_t, const float *, float *, bool,
                        const Prefetch &);
constexpr Errors ERRORS[] = {nullptr, errors<1>, errors<2>, errors<3>, errors<4>,
#ifdef __AVX512F__
                             errors<5>, errors<6>, errors<7>, errors<8>
#endif
};
constexpr Update UPDATE[] = {nullptr, update<1>, update<2>, update<3>, update<4>,
#ifdef __AVX512F__
                             update<5>, update<6>, update<7>, update<8>
#endif
};

struct Scratch {  // of one thread, reused by every step
    std::vector<Vec> memory;
    float *g, *gradient, *mean;
    Scratch(int64_t contexts, int64_t outputs, int64_t stride) {
        int64_t pairs = (contexts + 1) / 2, blocks = outputs / HALF + 1;
        memory.resize(blocks * pairs + (contexts + 1) * stride / LANES);
        g = (float *)memory.data();            // (blocks, contexts, HALF)
        gradient = g + blocks * pairs * LANES;  // (contexts, stride)
        mean = gradient + contexts * stride;    // (stride,)
    }
};

// C input rows against the step's outputs; the inputs' gradient goes to `gradient`, or, where it is
// null, to the rows themselves.
void solve(const Step &s, float *const *in, int64_t contexts, int64_t stride, const Scratch &scratch,
           float *gradient, const Prefetch &prefetch) {
    int64_t size = (contexts + 1) / 2 * LANES;  // floats of g a block
    for (int64_t o = 0, b = 0; o < s.outputs; o += s.block, b++) {
        int n = (int)std::min<int64_t>(s.block, s.outputs - o);
        ERRORS[n](in, contexts, &s.out[o], stride, s.label[b], s.weight[b], scratch.g + b * size);
    }
    for (int64_t o = 0, b = 0; o < s.outputs; o += s.block, b++) {
        int n = (int)std::min<int64_t>(s.block, s.outputs - o);
        UPDATE[n](in, contexts, &s.out[o], stride, scratch.g + b * size, gradient, o == 0, prefetch);
    }
}

void step_skipgram(const Step &s, int64_t stride, const Scratch &scratch, const Prefetch &prefetch) {
    if (s.outputs <= HALF) return solve(s, s.in.data(), s.contexts, stride, scratch, nullptr, prefetch);
    solve(s, s.in.data(), s.contexts, stride, scratch, scratch.gradient, prefetch);
    for (int64_t c = 0; c < s.contexts; c++)
        for (int64_t k = 0; k < stride; k += LANES)
            store(s.in[c] + k, load(s.in[c] + k) + load(scratch.gradient + c * stride + k));
}

void step_cbow(const Step &s, int64_t stride, const Scratch &scratch, const Prefetch &prefetch) {
    Vec share = fill(1.f / s.contexts);
    for (int64_t k = 0; k < stride; k += LANES) {
        Vec sum = {};
        for (int64_t c = 0; c < s.contexts; c++) sum += load(s.in[c] + k);
        store(scratch.mean + k, sum * share);
    }
    solve(s, &scratch.mean, 1, stride, scratch, scratch.gradient, prefetch);
    for (int64_t k = 0; k < stride; k += LANES) {
        Vec gradient = load(scratch.gradient + k);
        for (int64_t c = 0; c < s.contexts; c++) store(s.in[c] + k, load(s.in[c] + k) + gradient);
    }
}

void take(const Model &m, const Step &s, const Scratch &scratch, const Prefetch &prefetch) {
    if (s.contexts == 0 || s.outputs == 0) return;
    (m.cbow ? step_cbow : step_skipgram)(s, m.stride, scratch, prefetch);
}

// ---------------------------------------------------------------- planning a step

void choose_outputs(const Model &m, int32_t centre, float rate, Random &random, Step &s) {
    if (m.hierarchical) {
        int64_t first = m.path_offsets[centre], length = m.path_offsets[centre + 1] - first;
        s.shape(length);
        for (int64_t o = 0; o < length; o++)
            s.set(o, m.output + m.nodes[first + o] * m.stride, 1.f - m.codes[first + o], rate);
        return;
    }
    s.shape(1 + m.negatives);
    s.set(0, m.output + centre * m.stride, 1.f, rate);
    for (int64_t o = 1; o <= m.negatives; o++) {
        int32_t word = draw_noise(m, random);
        s.set(o, m.output + word * m.stride, 0.f, word == centre ? 0.f : rate);
    }
}

void choose_contexts(const Model &m, const int32_t *kept, int64_t n, int64_t i, Random &random, Step &s) {
    int64_t width = 1 + random.below((uint32_t)m.window);
    int64_t first = std::max<int64_t>(0, i - width), last = std::min(n - 1, i + width);
    s.contexts = 0;
    for (int64_t j = first; j <= last; j++)
        if (j != i) s.in[s.contexts++] = m.input + kept[j] * m.stride;
}

// Subsampling: the words of ids[0..n) that survive, in order. Without a branch.
int64_t subsample(const Model &m, const int32_t *ids, int64_t n, Random &random, int32_t *kept) {
    int64_t out = 0;
    for (int64_t i = 0; i < n; i++) {
        kept[out] = ids[i];
        out += (uint32_t)(random.next() >> 32) <= m.keep[ids[i]];
    }
    return out;
}

void train_sentence(const Model &m, const int32_t *kept, int64_t n, float rate, Random &random,
                    Step *now, Step *next, const Scratch &scratch, Prefetch &prefetch, Work &work) {
    auto plan = [&](int64_t i, Step &s) {
        choose_contexts(m, kept, n, i, random, s);
        choose_outputs(m, kept[i], rate, random, s);
    };
    plan(0, *now);
    for (int64_t i = 0; i < n; i++) {
        prefetch.rows.clear();
        if (i + 1 < n) {
            plan(i + 1, *next);
            prefetch.rows.assign(next->out.begin(), next->out.begin() + next->outputs);
            if (i + 2 + m.window < n) prefetch.rows.push_back(m.input + kept[i + 2 + m.window] * m.stride);
        }
        take(m, *now, scratch, prefetch);
        work.pairs += now->contexts;
        work.scored_outputs += now->outputs * (m.cbow ? now->contexts > 0 : now->contexts);
        std::swap(now, next);
    }
    work.kept_words += n;
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
    std::vector<int32_t> kept(longest + 1);
    Step now(2 * m->window, m->widest), next(2 * m->window, m->widest);
    Scratch scratch(2 * m->window, m->widest, m->stride);
    Prefetch prefetch;
    for (int64_t s = first; s < last; s++) {
        int64_t begin = m->offsets[s], words = m->offsets[s + 1] - begin;
        double done = (double)(words_before + begin - m->offsets[first]) / m->total_words;
        float rate = (float)(m->rate * std::max(1e-4, 1.0 - done));
        int64_t n = subsample(*m, m->ids + begin, words, random, kept.data());
        if (n) train_sentence(*m, kept.data(), n, rate, random, &now, &next, scratch, prefetch, *work);
    }
}

// For tests: one step with the rows and labels given, nothing drawn.
void single_step(const Model *m, const int32_t *in, int64_t contexts, const int32_t *out, const float *labels,
                 const float *weights, int64_t outputs) {
    Step s(contexts, outputs);
    s.contexts = contexts;
    for (int64_t c = 0; c < contexts; c++) s.in[c] = m->input + in[c] * m->stride;
    s.shape(outputs);
    for (int64_t o = 0; o < outputs; o++) s.set(o, m->output + out[o] * m->stride, labels[o], weights[o]);
    take(*m, s, Scratch(contexts, outputs, m->stride), Prefetch{});
}

// For tests: `n` noise words.
void draw(const Model *m, uint64_t seed, int64_t n, int32_t *words) {
    Random random{seed};
    for (int64_t i = 0; i < n; i++) words[i] = draw_noise(*m, random);
}

}  // extern "C"
