SELECT name, version, depth, path, directory FROM npm_packages WHERE directory = '/srv/app' ORDER BY path;
SELECT name, path FROM npm_packages WHERE directory IN ('/srv/none', '/usr/lib/') AND max_depth = 0 ORDER BY path;
SELECT hex(name) AS name, version, description, author, license, homepage, path FROM npm_packages WHERE directory = '/srv/odd' ORDER BY path;
