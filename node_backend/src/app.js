'use strict';

const express = require('express');
const { cors, responseTime } = require('./middleware/headers');
const activityRoutes = require('./routes/activities');
const attendanceRoutes = require('./routes/attendance');
const authRoutes = require('./routes/auth');
const cadetRoutes = require('./routes/cadets');
const fileRoutes = require('./routes/files');
const gradingRoutes = require('./routes/grading');
const messagingRoutes = require('./routes/messaging');
const reportRoutes = require('./routes/reports');
const staffRoutes = require('./routes/staff');
const systemRoutes = require('./routes/system');
const { UPLOAD_DIR } = require('./uploads');

const app = express();

app.use(responseTime);
app.use(cors);

app.get('/health', (req, res) => {
  res.type('text').send('OK');
});

// Anybody who knows the name of a file may read it: pages show images without a token.
app.use('/uploads', express.static(UPLOAD_DIR, { index: false, redirect: false }));

app.use(express.json({ limit: '10mb' }));

app.use('/api/v1/auth', authRoutes);
app.use('/api/v1/cadets', cadetRoutes);
app.use('/api/v1/staff', staffRoutes);
app.use('/api/v1/activities', activityRoutes);
app.use('/api/v1/attendance', attendanceRoutes);
app.use('/api/v1/grading', gradingRoutes);
app.use('/api/v1/files', fileRoutes);
app.use('/api/v1/reports', reportRoutes);
app.use('/api/v1/messaging', messagingRoutes);
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
