"""From a suite to finished records: plan, schedule, one fresh process a run, supervision."""
