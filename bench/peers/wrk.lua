-- What a run of wrk came to, as one line of JSON with the names that `load` uses.

done = function(summary, latency)
   local errors = summary.errors
   local seconds = summary.duration / 1e6
   local line = '{"requests":%d,"per_second":%.1f,"faults":%d,"mean_us":%.1f,"p50_us":%d,"p99_us":%d,"p99_9_us":%d}\n'
   io.write(line:format(
      summary.requests,
      summary.requests / seconds,
      errors.connect + errors.read + errors.write + errors.status + errors.timeout,
      latency.mean,
      latency:percentile(50),
      latency:percentile(99),
      latency:percentile(99.9)
   ))
end
