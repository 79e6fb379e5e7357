"""The first hour of somebody who has a table, a machine on which nothing was set up, and the README."""
