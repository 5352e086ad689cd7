SELECT * FROM yum_sources;
