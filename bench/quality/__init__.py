"""Quality of word vectors: similarity (Spearman) and analogies (3CosAdd, 3CosMul), with coverage.

    from bench.quality.evaluation import evaluate
    scores = evaluate(vectors, words)      # vectors float32 (V, D), words in falling frequency

The rules are gensim's, so that its `evaluate_word_pairs` and `evaluate_word_analogies` are an
independent check: upper-cased words, the most frequent spelling wins, unknown items are skipped
and counted. What gensim does not give is added: 3CosMul over the whole set, and intervals.
"""

# Part of every run id: raise it when any score of the same vectors can change. Stands here, apart from
# `evaluation`, so that planning a run does not wait for scipy.
EVALUATOR_VERSION = "1"
