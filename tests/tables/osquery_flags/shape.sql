SELECT count(*) > 100 AS many, count(DISTINCT name) = count(*) AS once, min(length(description)) > 0 AS described FROM osquery_flags;
