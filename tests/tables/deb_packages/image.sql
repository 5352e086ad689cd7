-- images that are built without dpkg have one file for each package
SELECT name, version, arch, size, status FROM deb_packages WHERE admindir = '/srv/image';
