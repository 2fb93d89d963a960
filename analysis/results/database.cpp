#include "analysis/results/database.hpp"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cctype>
#include <cerrno>
#include <chrono>
#include <string_view>
#include <thread>

#include "analysis/results/migration.hpp"
#include "analysis/results/results.hpp"

namespace crossfade::analysis {
namespace {

int pragma(SQLite::Database& db, const char* name) {
  return db.execAndGet(std::string("PRAGMA ") + name).getInt();
}

bool writable(const std::filesystem::path& path) {
  return faccessat(AT_FDCWD, path.c_str(), W_OK, AT_EACCESS) == 0;
}

/// `oldest`: the first version that will do.
void check_ours(SQLite::Database& db, const std::filesystem::path& file, int oldest) {
  if (pragma(db, "application_id") != kApplicationId)
    throw database_error(file, "is not a results database of Crossfade (no schema of ours in it)");
  const int version = pragma(db, "user_version");
  if (version < oldest || version > kSchemaVersion)
    throw database_error(file, "has schema version " + std::to_string(version) + ", this program " +
                                   (oldest == kOldestReadable ? "reads" : "writes") + " versions " +
                                   std::to_string(oldest) + " to " + std::to_string(kSchemaVersion) +
                                   "; name another file, or use the program that wrote it");
}

void create_or_check(SQLite::Database& db, const std::filesystem::path& file) {
  SQLite::Transaction transaction(db, SQLite::TransactionBehavior::IMMEDIATE);
  const bool empty = db.execAndGet("SELECT count(*) FROM sqlite_master").getInt() == 0;
  if (empty && pragma(db, "application_id") == 0 && pragma(db, "user_version") == 0) {
    create_schema(db);
  } else {
    check_ours(db, file, kOldestWritable);
    bring_up_to_date(db, file);
  }
  transaction.commit();
}

}  // namespace

void create_schema(SQLite::Database& db) {
  db.exec(kSchema);
  db.exec("PRAGMA application_id = " + std::to_string(kApplicationId));
  db.exec("PRAGMA user_version = " + std::to_string(kSchemaVersion));
}

std::runtime_error database_error(const std::filesystem::path& file, const std::string& what) {
  return std::runtime_error("results database '" + file.string() + "': " + what);
}

std::runtime_error database_error(const std::vector<std::filesystem::path>& files, const std::string& what) {
  if (files.size() == 1) return database_error(files.front(), what);
  std::string names;
  for (const std::filesystem::path& file : files) names += (names.empty() ? "'" : ", '") + file.string() + "'";
  return std::runtime_error("results databases " + names + ": " + what);
}

namespace {

constexpr const char* kWithoutLocks = "unix-none";  // of SQLite's ways to a file
constexpr int kJournalMilliseconds = 5000;          // a transaction takes less

/// Of a lock of fcntl() on the file, as SQLite takes it: 0 where it can be asked for.
int lock_error(const std::filesystem::path& file) {
  const int descriptor = open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return 0;
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  const int error = fcntl(descriptor, F_GETLK, &lock) == 0 ? 0 : errno;
  close(descriptor);
  return error;
}

/// Whether an open database, of which this process is in no transaction, can be locked where it lies. Other faults are
/// for whoever reads it next.
bool has_locks(SQLite::Database& db, const std::filesystem::path& file) {
  db.setBusyTimeout(0);  // SQLite calls ENOLCK busy, too, and would wait for it
  bool locks = true;
  try {
    db.execAndGet("SELECT count(*) FROM sqlite_master");  // takes a lock
  } catch (const SQLite::Exception& error) {
    const int code = error.getExtendedErrorCode();
    locks = code != SQLITE_IOERR_LOCK && code != SQLITE_IOERR_RDLOCK &&
            (error.getErrorCode() != SQLITE_BUSY || lock_error(file) != ENOLCK);
  }
  db.setBusyTimeout(kBusyMilliseconds);
  return locks;
}

void require_no_folder(const std::filesystem::path& file) {
  if (!file.has_filename() || std::filesystem::is_directory(file))
    throw database_error(file, "is a folder, expected the name of a file");
}

/// Opens the file; where its file system has no locks, without them: who starts two runs there has been warned
/// (runner/process/lock_file.hpp).
SQLite::Database open_database(const std::filesystem::path& file, int flags) {
  SQLite::Database db(file.string(), flags, kBusyMilliseconds);
  if (has_locks(db, file)) return db;
  return SQLite::Database(file.string(), flags, kBusyMilliseconds, kWithoutLocks);
}

/// Without locks a journal may be a killed writer's, or that of one who is at it, whose transaction nobody else may
/// undo: it is waited for.
void wait_for_journal(SQLite::Database& db, const std::filesystem::path& file) {
  const auto begin = std::chrono::steady_clock::now();
  for (;;) {
    try {
      db.execAndGet("SELECT count(*) FROM sqlite_master");
      return;
    } catch (const SQLite::Exception& error) {
      if (error.getExtendedErrorCode() != SQLITE_READONLY_ROLLBACK) return;  // for whoever reads it next
    }
    if (std::chrono::steady_clock::now() - begin > std::chrono::milliseconds(kJournalMilliseconds))
      throw database_error(file,
                           "is being written, or a run that was killed has left a transaction half done, which can't "
                           "be told apart without locks: try again, or run the study's command, which puts it right");
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

/// Opened for writing where allowed: what a killed writer left half done has to be rolled back before reading.
SQLite::Database open_for_queries(const std::filesystem::path& file) {
  SQLite::Database db(file.string(), SQLite::OPEN_READWRITE, kBusyMilliseconds);
  if (has_locks(db, file)) return db;
  SQLite::Database without(file.string(), SQLite::OPEN_READONLY, kBusyMilliseconds, kWithoutLocks);
  wait_for_journal(without, file);
  return without;
}

}  // namespace

SQLite::Database open_to_write(const std::filesystem::path& file) {
  require_no_folder(file);
  // SQLite would open what it may not write read-only, and say so only at the first row; its journal needs the folder.
  const std::filesystem::path folder = file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
  if (!std::filesystem::is_directory(folder))
    throw database_error(file, "its folder '" + folder.string() + "' does not exist");
  if (!writable(folder)) throw database_error(file, "its folder '" + folder.string() + "' can't be written to");
  if (std::filesystem::exists(file) && !writable(file)) throw database_error(file, "can't be written to (read-only)");

  return with_errors(file, "opening for writing", [&] {
    SQLite::Database db = open_database(file, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
    // A rollback journal, not a write-ahead log: the log needs shared memory, which network file systems lack, and a
    // second file that is forgotten when the database is copied. EXTRA syncs the folder, too, so that a commit
    // holds after a power cut.
    db.exec("PRAGMA journal_mode = DELETE");
    db.exec("PRAGMA synchronous = EXTRA");
    db.exec("PRAGMA foreign_keys = OFF");  // while tables are made anew
    create_or_check(db, file);
    db.exec("PRAGMA foreign_keys = ON");
    return db;
  });
}

std::string words_of(const SQLite::Exception& error) {
  const std::string said = error.what();
  switch (error.getErrorCode()) {
    case SQLITE_NOTADB:
      return said + ", expected a results database of Crossfade";
    case SQLITE_CORRUPT:
      return said + ": damaged, or cut off while it was copied; expected a whole copy";
    case SQLITE_BUSY:
      return said + ": another program holds it";
    case SQLITE_CANTOPEN:
      return said + ", expected one that this user may read";
    case SQLITE_READONLY:
      return said +
             ": a program that wrote it was killed, and to make it whole it has to be written; copy it, with its "
             "-journal, to where this user may write";
    default:
      return said;
  }
}

SQLite::Database open_to_read(const std::filesystem::path& file) {
  if (!std::filesystem::exists(file)) throw database_error(file, "does not exist");
  require_no_folder(file);
  return with_errors(file, "opening", [&] {
    SQLite::Database db = open_for_queries(file);
    db.exec("PRAGMA query_only = ON");
    check_ours(db, file, kOldestReadable);
    return db;
  });
}

std::string attachable(const std::filesystem::path& file) {
  SQLite::Database db(file.string(), SQLite::OPEN_READWRITE, kBusyMilliseconds);
  std::string uri = "file://";  // no host, as a path that begins with // would name one
  for (const unsigned char letter : std::filesystem::absolute(file).string()) {
    constexpr std::string_view kDigits = "0123456789ABCDEF";
    if (std::isalnum(letter) != 0 || letter == '/')
      uri += static_cast<char>(letter);
    else
      uri += {'%', kDigits[letter >> 4U], kDigits[letter & 15U]};
  }
  return uri + (has_locks(db, file) ? "" : std::string("?mode=ro&vfs=") + kWithoutLocks);
}

StudyRow find_study(SQLite::Database& db, const std::filesystem::path& file, const std::string& name) {
  SQLite::Statement query(db,
                          "SELECT id, name, caption FROM study ORDER BY"
                          " (SELECT max(p.id) FROM provenance AS p WHERE p.study_id = study.id) DESC");
  std::string there;
  while (query.executeStep()) {
    if (name.empty() || query.getColumn(1).getString() == name)
      return {query.getColumn(0).getInt64(), query.getColumn(1).getString(), query.getColumn(2).getString()};
    there += (there.empty() ? "'" : ", '") + query.getColumn(1).getString() + "'";
  }
  throw database_error(file, there.empty() ? "holds no study" : "holds no study '" + name + "'; there is " + there);
}

std::vector<std::string> class_names(SQLite::Database& db, std::int64_t study) {
  SQLite::Statement query(db, "SELECT name FROM structure WHERE study_id = ? ORDER BY id");
  query.bind(1, study);
  std::vector<std::string> names;
  while (query.executeStep()) names.push_back(query.getColumn(0).getString());
  return names;
}

}  // namespace crossfade::analysis
