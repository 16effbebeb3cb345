'use strict';

const fs = require('fs');
const path = require('path');
const { Client } = require('pg');

async function migrate(connectionString) {
  const client = new Client({ connectionString });
  await client.connect();
  try {
    // Many statements in one query are one transaction to PostgreSQL: the schema arrives whole or not at all.
    await client.query(fs.readFileSync(path.join(__dirname, 'schema.sql'), 'utf8'));
  } finally {
    await client.end();
  }
}

async function main() {
  if (!process.env.DATABASE_URL) {
    throw new Error('Missing required environment variable: DATABASE_URL');
  }
  await migrate(process.env.DATABASE_URL);
  console.log('schema is up to date');
}

if (require.main === module) {
  main().catch((err) => {
    console.error(`migrate: ${err.message}`);
    process.exit(1);
  });
}

module.exports = { migrate };
