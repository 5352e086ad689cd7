SELECT * FROM deb_packages;
SELECT name FROM deb_packages WHERE version > '5.2.15-2' COLLATE version_dpkg AND name = 'bash';
SELECT count(*) AS n FROM deb_packages;
SELECT name, admindir FROM deb_packages LIMIT 1;
SELECT name FROM deb_packages WHERE admindir = '/nonexistent';
