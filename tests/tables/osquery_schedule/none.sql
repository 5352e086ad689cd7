SELECT count(*) AS n, max(blacklisted) AS denied, max(denylisted_until) AS until FROM osquery_schedule;
