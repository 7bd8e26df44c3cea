// A replica set of one member, its administrator and the application's user: made where they are missing, and left alone else.
// Passwords come from a mounted file, never from a command line. Written by halobuzz.platform, role development.
const { administrator, application, database, replica_set: replicaSet } = JSON.parse(
  require('node:fs').readFileSync('/run/secrets/mongodb-users', 'utf8'),
);
const admin = connect('mongodb://127.0.0.1:27017/admin?directConnection=true');

function isLoggedIn() {
  try {
    admin.auth('administrator', administrator);
    return true;
  } catch {
    return false;
  }
}

function waitForPrimary() {
  while (!admin.hello().isWritablePrimary) sleep(200);
}

if (!isLoggedIn()) {
  // Before the first user exists, a client inside the container may do just this ("localhost exception").
  try {
    admin.adminCommand({ replSetInitiate: { _id: replicaSet, members: [{ _id: 0, host: 'mongodb:27017' }] } });
  } catch (error) {
    if (error.codeName !== 'AlreadyInitialized') throw error;
  }
  waitForPrimary();
  admin.createUser({ user: 'administrator', pwd: administrator, roles: ['root'] });
  admin.auth('administrator', administrator);
}
waitForPrimary();
if (!admin.getUser('application')) {
  const roles = ['readWrite', 'dbAdmin'].map((role) => ({ role, db: database }));
  admin.createUser({ user: 'application', pwd: application, roles });
}
