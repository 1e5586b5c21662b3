-- A petition is found by the code of its receipt without reading the others; the next migration adds the index.
\ir ../projection.sql
