SELECT count(*) AS n, max(active) AS active FROM osquery_packs;
