SELECT name, uid, version, summary, author, license, path, directory FROM python_packages WHERE uid = 0 AND name <> 'odd' ORDER BY path;
SELECT name, version, hex(summary) AS summary, author, license FROM python_packages WHERE uid = 0 AND name = 'odd';
SELECT username, name, python_packages.directory FROM users JOIN python_packages USING (uid) WHERE uid > 0 ORDER BY name;
SELECT name, uid FROM python_packages WHERE uid = 1000 AND directory = '/home/alice/.local/lib/python3.11/site-packages';
SELECT name, uid FROM python_packages WHERE uid = 0 AND directory IN ('/srv/venv/lib', '/srv/none', '/usr/lib/python3/dist-packages') ORDER BY name;
