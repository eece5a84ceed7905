/*
 * A log-linear histogram of nanoseconds, as HdrHistogram's: 128 steps for each power of two, so a value
 * is off by less than 0.8 %. Holds any number of samples in fixed memory; a sample costs one increment.
 */
#include <stdint.h>

#define STEP_BITS 7
#define STEPS (1u << STEP_BITS)
#define BUCKETS ((64 - STEP_BITS) * STEPS + STEPS)

struct histogram {
    uint64_t counts[BUCKETS];
    uint64_t total, max_ns;
    double sum_ns;
};

static inline unsigned bucket_of(uint64_t ns)
{
    unsigned shift;

    if (ns < STEPS)
        return (unsigned)ns;
    shift = 63 - (unsigned)__builtin_clzll(ns) - STEP_BITS;
    return (shift + 1) * STEPS + (unsigned)((ns >> shift) - STEPS);
}

/* The largest value that falls into the bucket. */
static inline uint64_t bucket_top(unsigned bucket)
{
    unsigned shift;

    if (bucket < STEPS)
        return bucket;
    shift = bucket / STEPS - 1;
    return (((uint64_t)(bucket % STEPS + STEPS) + 1) << shift) - 1;
}

static inline void record(struct histogram *histogram, uint64_t ns, uint64_t count)
{
    histogram->counts[bucket_of(ns)] += count;
    histogram->total += count;
    histogram->sum_ns += (double)ns * (double)count;
    if (ns > histogram->max_ns)
        histogram->max_ns = ns;
}

/* The value that a share of the samples, 0 to 1, does not exceed, in microseconds. */
static inline double percentile_us(const struct histogram *histogram, double share)
{
    double wanted = share * (double)histogram->total;
    uint64_t seen = 0, top = 0;

    for (unsigned bucket = 0; bucket < BUCKETS && (!seen || (double)seen < wanted); bucket++) {
        seen += histogram->counts[bucket];
        top = bucket_top(bucket);
    }
    if (!seen)
        return 0;
    return (double)(top < histogram->max_ns ? top : histogram->max_ns) / 1e3;
}

static inline double mean_us(const struct histogram *histogram)
{
    return histogram->total ? histogram->sum_ns / (double)histogram->total / 1e3 : 0;
}
