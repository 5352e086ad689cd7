SELECT name, length(version) AS length, major, minor, patch, platform, platform_like FROM os_version;
