SELECT count(DISTINCT i.instance_id) AS ids FROM (SELECT 1 UNION SELECT 2) JOIN osquery_info i;
