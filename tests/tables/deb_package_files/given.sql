SELECT package, path FROM deb_package_files WHERE package = 'libc6';
SELECT package, path FROM deb_package_files WHERE package IN ('acl', 'python3.11', 'none', '', 'empty') ORDER BY package, path;
SELECT * FROM deb_package_files WHERE package = 'acl' AND admindir IN ('/srv/dpkg', '/var/lib/dpkg', '/none') ORDER BY path;
SELECT * FROM deb_package_files WHERE package = '../../secret' AND admindir = '/srv/dpkg';
SELECT path FROM deb_package_files WHERE package = 'outside' AND admindir = '/srv/dpkg';
SELECT package FROM deb_package_files WHERE path = '/lib/x86_64-linux-gnu/libc.so.6';
SELECT path FROM deb_package_files WHERE package = 'acl' LIMIT 1;
