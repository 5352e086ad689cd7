-- a dpkg that has not finished keeps what it changed in updates/
SELECT name, arch, version, status, admindir FROM deb_packages WHERE admindir = '/srv/journal';
SELECT admindir, count(*) AS n FROM deb_packages WHERE admindir IN ('/srv/journal', '/var/lib/dpkg', '/none')
GROUP BY admindir;
