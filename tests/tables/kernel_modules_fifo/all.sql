SELECT count(*) AS n FROM kernel_modules;
