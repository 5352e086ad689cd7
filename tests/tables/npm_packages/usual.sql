SELECT * FROM npm_packages ORDER BY path;
SELECT name, depth FROM npm_packages WHERE max_depth = 0 ORDER BY name;
SELECT name, depth, max_depth FROM npm_packages WHERE max_depth = 1 ORDER BY name;
SELECT max(depth) AS deepest, max_depth FROM npm_packages WHERE max_depth = -1;
