SELECT package, path, admindir FROM deb_package_files WHERE package <> 'odd' ORDER BY package, path;
SELECT package, hex(path) AS path FROM deb_package_files WHERE package = 'odd';
