SELECT name, version, revision, size, arch, status, hex(maintainer) AS maintainer, section FROM deb_packages
WHERE admindir = '/srv/bad';
SELECT name FROM deb_packages WHERE admindir = '/srv/folder';
SELECT name FROM deb_packages WHERE admindir = '/srv/fifo';
SELECT name, length(maintainer) AS n FROM deb_packages WHERE admindir = '/srv/long';
