-- Run once by the container's first start: one database for each service, each with an owner of its own.
CREATE ROLE intake LOGIN PASSWORD 'intake';
CREATE DATABASE intake OWNER intake;
CREATE ROLE followup LOGIN PASSWORD 'followup';
CREATE DATABASE followup OWNER followup;
