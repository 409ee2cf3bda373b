-- A half-written spec in a Neovim: its error is seen and mended, a name completed, a group renamed in two files, the
-- text formatted and saved. What was seen is written to seen.json. COMMAND is the server's, as JSON.
local seen = {}
local command = vim.json.decode(vim.env.COMMAND)
local MOST = 20000

local function text(name)
  local buffer = name and vim.fn.bufnr(name) or 0
  return table.concat(vim.api.nvim_buf_get_lines(buffer, 0, -1, false), "\n")
end

local function wait(what, is)
  local shown = function() return text() .. vim.inspect(vim.diagnostic.get(0)) end
  assert(vim.wait(MOST, is, 20) or error("waited in vain for " .. what .. ":\n" .. shown()))
end

local function go_to(words, inside)
  local row = vim.fn.search(words, "w")
  assert(row > 0, words)
  local column = vim.fn.getline(row):find(inside or words, 1, true)
  vim.api.nvim_win_set_cursor(0, { row, column - 1 })
end

vim.ui.select = function(items, options, choose)
  seen.offered = vim.tbl_map(options.format_item, items)
  choose(items[1], 1)
end

vim.cmd("edit spec.et")
local client = vim.lsp.start_client({
  name = "entrack",
  cmd = command,
  root_dir = vim.fn.getcwd(),
  workspace_folders = { { uri = vim.uri_from_fname(vim.fn.getcwd()), name = "here" } },
})
vim.lsp.buf_attach_client(0, client)

-- the error, and its fix
wait("problems", function() return #vim.diagnostic.get(0) > 0 end)
seen.problems = vim.tbl_map(function(one) return { one.code, one.lnum + 1, one.message } end, vim.diagnostic.get(0))
go_to("zero mover", "mover")
vim.lsp.buf.code_action()
wait("the fix", function() return text():find("zero movers", 1, true) end)

-- a name
go_to("on 4 bo$", "bo")
local row, column = unpack(vim.api.nvim_win_get_cursor(0))
vim.api.nvim_win_set_cursor(0, { row, column + 1 })
local asked = vim.lsp.util.make_position_params(0, "utf-16")
asked.position.character = column + 2
local answer = vim.lsp.buf_request_sync(0, "textDocument/completion", asked, MOST)[client].result
seen.names = vim.tbl_map(function(one) return one.label end, answer.items)
for _, item in ipairs(answer.items) do
  if item.label == "boxes" then
    vim.lsp.util.apply_text_edits({ item.textEdit }, 0, "utf-16")
  end
end
wait("no problems", function() return #vim.diagnostic.get(0) == 0 end)

-- a group, in two files
go_to("zero movers", "movers")
vim.lsp.buf.rename("senders")
wait("the new name", function() return text():find("zero senders", 1, true) end)
seen.included = text("heads.et")

-- formatted and saved
vim.lsp.buf.formatting_sync(nil, MOST)
vim.cmd("silent wall")
wait("no problems", function() return #vim.diagnostic.get(0) == 0 end)
seen.saved = text()
vim.fn.writefile({ vim.json.encode(seen) }, "seen.json")
