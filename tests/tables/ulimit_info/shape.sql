SELECT type, soft_limit = 'unlimited' OR soft_limit = CAST(soft_limit AS INTEGER) AS soft, hard_limit = 'unlimited' OR hard_limit GLOB '[0-9]*' AS hard FROM ulimit_info;
