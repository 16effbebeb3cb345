'use strict';

const express = require('express');
const { cors, responseTime } = require('./middleware/headers');
const authRoutes = require('./routes/auth');
const cadetRoutes = require('./routes/cadets');
const systemRoutes = require('./routes/system');

const app = express();

app.use(responseTime);
app.use(cors);

app.get('/health', (req, res) => {
  res.type('text').send('OK');
});

app.use(express.json({ limit: '10mb' }));

app.use('/api/v1/auth', authRoutes);
app.use('/api/v1/cadets', cadetRoutes);
app.use('/api/v1/system', systemRoutes);

app.use((req, res) => {
  res.status(404).json({ message: 'Not found' });
});

// Every error is a 500 with its raw text, those of the JSON parser and of the database too: the frontend shows it.
// The fourth parameter is unused, but Express tells an error handler by their number.
app.use((err, req, res, next) => {
  console.error(`${req.method} ${req.path}: ${err.message}`);
  res.status(500).json({ message: err.message });
});

module.exports = app;
