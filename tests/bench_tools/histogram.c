/* bench/peers/histogram.h: buckets are as narrow as they say, and percentiles are those of what went in. */
#include "histogram.h"

#include <stdio.h>
#include <stdlib.h>

static struct histogram one;

static void expect(int is_so, const char *what, double found)
{
    if (is_so)
        return;
    printf("%s: %f\n", what, found);
    exit(1);
}

static void check_bucket(uint64_t ns)
{
    uint64_t top = bucket_top(bucket_of(ns));

    expect(bucket_of(ns) < BUCKETS, "a bucket that does not exist", (double)ns);
    expect(top >= ns && (double)(top - ns) < 0.008 * (double)ns + 1, "a bucket is too wide", (double)ns);
    expect(bucket_of(top) == bucket_of(ns), "the top is not in its bucket", (double)ns);
}

static int is_near(double found, double wanted)
{
    return found >= wanted && found <= wanted * 1.008;
}

int main(void)
{
    for (uint64_t ns = 0; ns < 100000; ns++)
        check_bucket(ns);
    for (int shift = 17; shift < 64; shift++)
        for (uint64_t near = (1ull << shift) - 2; near <= (1ull << shift) + 2; near++)
            check_bucket(near);
    check_bucket(UINT64_MAX);

    expect(percentile_us(&one, 0.5) == 0 && mean_us(&one) == 0, "an empty one has no values", 0);
    for (uint64_t us = 1; us <= 1000; us++)
        record(&one, us * 1000, 1);
    expect(is_near(percentile_us(&one, 0.5), 500), "p50", percentile_us(&one, 0.5));
    expect(is_near(percentile_us(&one, 0.99), 990), "p99", percentile_us(&one, 0.99));
    expect(percentile_us(&one, 1) == 1000, "p100", percentile_us(&one, 1));
    expect(mean_us(&one) > 500.4 && mean_us(&one) < 500.6, "mean", mean_us(&one));
    record(&one, 5000000, 9000);
    expect(percentile_us(&one, 0.5) == 5000, "a count weighs", percentile_us(&one, 0.5));
    return 0;
}
