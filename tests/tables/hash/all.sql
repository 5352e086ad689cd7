SELECT * FROM hash WHERE path LIKE '/etc/%' ORDER BY path;
SELECT path, md5 FROM hash WHERE directory = '/etc' ORDER BY path;
SELECT path, sha256 FROM hash WHERE path IN ('/etc/link', '/etc/none', '/etc/fifo', '/etc/folder');
SELECT count(*) FROM hash WHERE path = '/etc/hello' AND md5 = 'B1946AC92492D2347C6235B4D2611184';
SELECT h.path, f.size, h.sha1 FROM file f JOIN hash h ON h.path = f.path WHERE f.path = '/etc/zeros';
