'use strict';

const crypto = require('node:crypto');
const os = require('node:os');
const path = require('node:path');
const express = require('express');
const multer = require('multer');
const { httpError } = require('../../../shared/http');

const MAX_BYTES = 50 * 1024 * 1024;

/** Uploads kept on this host's disk: `POST /uploads` (multipart, field `file`), `GET /uploads/NAME`. */
function uploadRoutes({ config }) {
  const router = express.Router();
  const storage = multer.diskStorage({
    destination: config.uploadsDir,
    filename: (_request, file, done) => {
      const extension = path.extname(file.originalname).replace(/[^.a-zA-Z0-9]/g, '').slice(0, 10);
      done(null, crypto.randomUUID() + extension);
    },
  });
  const receive = multer({ storage, limits: { fileSize: MAX_BYTES, files: 1 } }).single('file');

  router.post('/', receive, (request, response) => {
    if (!request.file) throw httpError(400, 'file is required');
    const { filename, size } = request.file;
    response.status(201).json({ url: `/uploads/${filename}`, size, instance: os.hostname() });
  });
  router.use(express.static(config.uploadsDir, { index: false }));

  return router;
}

module.exports = { uploadRoutes };
